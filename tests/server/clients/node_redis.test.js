/* node_redis.test.js - node-redis (the package "redis") as its users use it: with protocol 2, and with 3 where it
 * speaks that. */
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { Server, gather, skip, until, within } = require('./server.js');

const MESSAGES = 10000;

/* A server, and a way to connect to it; both end with the test. */
async function begin(context, name, options) {
    const { createClient } = require(name);
    const server = await Server.start();
    const clients = [];
    const add = (client) => {
        client.on('error', () => {}); // as the documentation asks for; what was refused rejects its promise
        clients.push(client);
        return client;
    };
    const make = (more = {}) =>
        add(createClient({ socket: { port: server.port, reconnectStrategy: () => 10 }, ...options, ...more }));
    const connect = async (more) => {
        const client = make(more);

        await within(client.connect(), 'a connection');
        return client;
    };

    context.after(async () => {
        await server.stop();
        for (const client of clients.filter((one) => one.isOpen))
            await (client.destroy ? client.destroy() : client.disconnect());
    });
    return { server, add, make, connect };
}

function tests(name, options) {
    const title = (what) => `${name} ${JSON.stringify(options)}: ${what}`;
    const has = (what, run) =>
        test(title(what), { skip: skip(name) }, async (context) => run(await begin(context, name, options), context));

    has('connects, and has its name', async ({ connect }) => {
        const client = await connect({ name: 'the-worker' });

        assert.ok(client.isReady);
        assert.strictEqual(await within(client.clientGetName(), 'its name'), 'the-worker');
        assert.strictEqual(await within((await connect()).clientGetName(), 'no name'), null);
        assert.strictEqual(await within(client.ping(), 'a reply'), 'PONG');
        assert.match(await within(client.info(), 'figures'), /^connected_clients:2\r$/m);
        assert.deepStrictEqual({ ...(await within(client.configGet('save'), 'a setting')) }, { save: '' });
        await assert.rejects(within(client.get('x'), 'a reply'), /unknown command/);
    });

    has('publishes to channels and patterns, and is told how many heard it', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const [messages, matches] = [gather(), gather()];

        assert.strictEqual(await within(publisher.publish('orders.eu', 'early'), 'a count'), 0);
        await within(subscriber.subscribe(['orders.eu', 'orders.us'], messages.take), 'channels');
        await within(subscriber.pSubscribe('orders.*', matches.take), 'a pattern');
        assert.strictEqual(await within(publisher.publish('orders.eu', 'one'), 'a count'), 2);
        assert.strictEqual(await within(publisher.publish('orders.as', 'two'), 'a count'), 1);
        assert.deepStrictEqual(await messages.got(1), [['one', 'orders.eu']]);
        assert.deepStrictEqual(await matches.got(2), [['one', 'orders.eu'], ['two', 'orders.as']]);
        assert.deepStrictEqual({ ...(await within(publisher.pubSubNumSub(['orders.us', 'x']), 'counts')) },
            { 'orders.us': 1, x: 0 });
        assert.deepStrictEqual((await within(publisher.pubSubChannels('*s'), 'names')), ['orders.us']);
        assert.strictEqual(await within(publisher.pubSubNumPat(), 'a count'), 1);
    });

    has('sends ten thousand messages at once, and gets them in order', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const messages = gather();
        const pipeline = publisher.multi();
        const counts = [];

        await within(subscriber.subscribe('numbers', messages.take), 'a subscription');
        for (let i = 0; i < MESSAGES / 2; i++) counts.push(publisher.publish('numbers', `${i}`));
        for (let i = MESSAGES / 2; i < MESSAGES; i++) pipeline.publish('numbers', `${i}`);
        const replies = await within(Promise.all([...counts, pipeline.execAsPipeline()]), 'the replies');
        assert.deepStrictEqual(replies.flat(), Array(MESSAGES).fill(1));
        const got = await messages.got(MESSAGES);
        got.forEach(([message, channel], i) => assert.strictEqual(`${channel} ${message}`, `numbers ${i}`));
        assert.strictEqual(got.length, MESSAGES);
    });

    has('gets bytes as they were sent', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const messages = gather();
        const bytes = Buffer.from(Array.from({ length: 256 * 400 }, (_, i) => i % 256));

        await within(subscriber.subscribe('bytes', messages.take, true), 'a subscription');
        for (const message of [bytes, Buffer.alloc(0), bytes.subarray(0, 256)])
            assert.strictEqual(await within(publisher.publish('bytes', message), 'a count'), 1);
        const channel = Buffer.from('bytes');
        assert.deepStrictEqual(await messages.got(3), [
            [bytes, channel],
            [Buffer.alloc(0), channel],
            [bytes.subarray(0, 256), channel],
        ]);
    });

    has('subscribes again when the server is back, and sends what waited', async ({ server, connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const [messages, matches] = [gather(), gather()];

        await within(subscriber.subscribe('news', messages.take), 'a subscription');
        await within(subscriber.pSubscribe('n?ws', matches.take), 'a subscription');
        assert.strictEqual(await within(publisher.publish('news', 'before'), 'a count'), 2);
        await Promise.all([messages.got(1), matches.got(1)]);
        const closed = Promise.all([publisher, subscriber].map((client) =>
            new Promise((resolve) => client.once('reconnecting', resolve))));
        await server.stop('SIGKILL');
        await within(closed, 'the clients to notice');
        const waiting = publisher.echo('I waited');
        await server.start_again();
        assert.strictEqual(await within(waiting, 'a command that waited'), 'I waited');
        await until(async () => (await publisher.publish('news', 'after')) === 2, 'both subscriptions are back');
        assert.deepStrictEqual((await messages.got(2)).at(-1), ['after', 'news']);
        assert.deepStrictEqual((await matches.got(2)).at(-1), ['after', 'news']);
    });

    has('keeps commands until it is connected, or refuses them', async ({ server, make }) => {
        const [waiting, refusing] = [make(), make({ disableOfflineQueue: true })];
        const reconnecting = (client) => new Promise((resolve) => client.once('reconnecting', resolve));

        await server.stop();
        const tries = [waiting, refusing].map((client) => client.connect());
        await within(Promise.all([waiting, refusing].map(reconnecting)), 'the clients to try again');
        const counts = Promise.all([waiting.publish('a', 'b'), waiting.publish('a', 'c')]);
        await assert.rejects(refusing.publish('a', 'b'), /offline|closed/i);
        await server.start_again();
        await within(Promise.all(tries), 'connections');
        assert.deepStrictEqual(await within(counts, 'what waited'), [0, 0]);
        assert.strictEqual(await within(refusing.publish('a', 'b'), 'a count'), 0);
    });

    has('quits, disconnects, and has duplicates with connections of their own', async ({ add, connect }) => {
        const client = await connect();
        const others = [client.duplicate(), client.duplicate(), client.duplicate()].map(add);
        const clients = async () => Number(/^connected_clients:(\d+)/m.exec(await client.info())[1]);

        for (const other of others) await within(other.connect(), 'a connection');
        const ids = await within(Promise.all([client, ...others].map((one) => one.clientId())), 'ids');
        assert.strictEqual(new Set(ids).size, 4);
        assert.strictEqual(await within(clients(), 'a figure'), 4);
        await within(others[0].quit(), 'good-bye');
        others[1].destroy ? others[1].destroy() : await others[1].disconnect();
        others[2].close ? await others[2].close() : await others[2].quit();
        assert.ok(others.every((other) => !other.isOpen));
        await until(async () => (await clients()) === 1, 'one is left');
    });

    has('leaves all channels and patterns, and may then do anything', async ({ connect }) => {
        const client = await connect();
        const nothing = () => {};

        await within(client.subscribe(['a', 'b', 'c'], nothing), 'subscriptions');
        if (options.RESP === 3)
            assert.strictEqual(await within(client.publish('a', 'as a subscriber'), 'a count'), 1);
        await within(client.unsubscribe('b'), 'a channel');
        await within(client.unsubscribe(), 'the channels');
        await within(client.pSubscribe(['x*', 'y*'], nothing), 'subscriptions');
        await within(client.pUnsubscribe(), 'the patterns');
        assert.strictEqual(await within(client.publish('a', 'b'), 'a count'), 0);
        assert.match(`${await within(client.info(), 'figures')}`, /^subscriptions:0\r$/m);
    });
}

tests('redis-4', {});
tests('redis-5', { RESP: 2 });
tests('redis-5', { RESP: 3 });
tests('redis-6', { RESP: 2 });
tests('redis-6', { RESP: 3 });
