/* ioredis.test.js - ioredis as its users use it: with protocol 2, and with 3 where it speaks that. */
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { Server, gather, skip, until, within } = require('./server.js');

const MESSAGES = 10000;
const FIGURE = (name, info) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)[1]);

/* A server, and a way to connect to it; both end with the test. */
async function begin(context, name, options) {
    const { Redis } = require(name);
    const server = await Server.start();
    const clients = [];
    const make = (more = {}) => {
        const client = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 10, ...options, ...more });

        client.on('error', () => {}); // as the documentation asks for; what was refused rejects its promise
        clients.push(client);
        return client;
    };
    const connect = async (more) => {
        const client = make(more);

        await within(new Promise((resolve) => client.once('ready', resolve)), 'the client to be ready');
        return client;
    };

    context.after(async () => {
        clients.forEach((client) => client.disconnect());
        await server.stop();
    });
    return { server, make, connect };
}

function tests(name, options) {
    const title = (what) => `${name} ${JSON.stringify(options)}: ${what}`;
    const has = (what, run) =>
        test(title(what), { skip: skip(name) }, async (context) => run(await begin(context, name, options), context));

    has('is ready when INFO says so, and has its name', async ({ connect }) => {
        const client = await connect({ connectionName: 'the-worker' });

        assert.strictEqual(client.options.enableReadyCheck, true);
        assert.strictEqual(FIGURE('loading', await within(client.info(), 'figures')), 0);
        assert.strictEqual(await within(client.client('GETNAME'), 'its name'), 'the-worker');
        assert.strictEqual(await within((await connect()).client('GETNAME'), 'no name'), null);
        assert.strictEqual(await within(client.ping(), 'a reply'), 'PONG');
        await assert.rejects(within(client.get('x'), 'a reply'), /unknown command/);
    });

    has('publishes to channels and patterns, and is told how many heard it', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const [messages, matches] = [gather(), gather()];

        subscriber.on('message', messages.take);
        subscriber.on('pmessage', matches.take);
        assert.strictEqual(await within(publisher.publish('orders.eu', 'early'), 'a count'), 0);
        assert.strictEqual(await within(subscriber.subscribe('orders.eu', 'orders.us'), 'channels'), 2);
        assert.strictEqual(await within(subscriber.psubscribe('orders.*'), 'a pattern'), 3);
        assert.strictEqual(await within(publisher.publish('orders.eu', 'one'), 'a count'), 2);
        assert.strictEqual(await within(publisher.publish('orders.as', 'two'), 'a count'), 1);
        assert.deepStrictEqual(await messages.got(1), [['orders.eu', 'one']]);
        assert.deepStrictEqual(await matches.got(2), [
            ['orders.*', 'orders.eu', 'one'],
            ['orders.*', 'orders.as', 'two'],
        ]);
        assert.deepStrictEqual(await within(publisher.pubsub('NUMSUB', 'orders.us'), 'counts'), ['orders.us', 1]);
    });

    has('sends ten thousand messages in a pipeline, and gets them in order', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const messages = gather();
        const pipeline = publisher.pipeline();

        subscriber.on('message', messages.take);
        await within(subscriber.subscribe('numbers'), 'a subscription');
        for (let i = 0; i < MESSAGES; i++) pipeline.publish('numbers', `${i}`);
        const replies = await within(pipeline.exec(), 'the replies');
        assert.strictEqual(replies.length, MESSAGES);
        assert.ok(replies.every(([error, count]) => error === null && count === 1));
        const got = await messages.got(MESSAGES);
        got.forEach(([channel, message], i) => assert.strictEqual(`${channel} ${message}`, `numbers ${i}`));
        assert.strictEqual(got.length, MESSAGES);
    });

    has('gets bytes as they were sent', async ({ connect }) => {
        const [publisher, subscriber] = [await connect(), await connect()];
        const messages = gather();
        const bytes = Buffer.from(Array.from({ length: 256 * 400 }, (_, i) => i % 256));
        const channel = Buffer.from([0xff, 0x0d, 0x0a, 0x24, 0xc3]);

        subscriber.on('messageBuffer', messages.take);
        await within(subscriber.subscribe(channel), 'a subscription');
        for (const message of [bytes, Buffer.alloc(0), bytes.subarray(0, 256)])
            assert.strictEqual(await within(publisher.publish(channel, message), 'a count'), 1);
        const got = await messages.got(3);
        assert.deepStrictEqual(got, [
            [channel, bytes],
            [channel, Buffer.alloc(0)],
            [channel, bytes.subarray(0, 256)],
        ]);
    });

    has('subscribes again when the server is back, and sends what waited', async ({ server, connect }) => {
        const [publisher, subscriber] = [await connect({ maxRetriesPerRequest: null }), await connect()];
        const [messages, matches] = [gather(), gather()];

        subscriber.on('message', messages.take);
        subscriber.on('pmessage', matches.take);
        await within(subscriber.subscribe('news'), 'a subscription');
        await within(subscriber.psubscribe('n?ws'), 'a subscription');
        assert.strictEqual(await within(publisher.publish('news', 'before'), 'a count'), 2);
        await Promise.all([messages.got(1), matches.got(1)]);
        const closed = Promise.all([publisher, subscriber].map((client) =>
            new Promise((resolve) => client.once('close', resolve))));
        await server.stop('SIGKILL');
        await within(closed, 'the clients to notice');
        const waiting = publisher.ping('I waited');
        await server.start_again();
        assert.strictEqual(await within(waiting, 'a command that waited'), 'I waited');
        await until(async () => (await publisher.publish('news', 'after')) === 2, 'both subscriptions are back');
        assert.deepStrictEqual((await messages.got(2)).at(-1), ['news', 'after']);
        assert.deepStrictEqual((await matches.got(2)).at(-1), ['n?ws', 'news', 'after']);
    });

    has('keeps commands until it is connected, or refuses them', async ({ make }) => {
        const waiting = make({ lazyConnect: true });
        const refusing = make({ lazyConnect: true, enableOfflineQueue: false });

        const counts = Promise.all([waiting.publish('a', 'b'), waiting.publish('a', 'c')]);
        assert.deepStrictEqual(await within(counts, 'what waited'), [0, 0]);
        await assert.rejects(refusing.publish('a', 'b'), /enableOfflineQueue/);
        await within(new Promise((resolve) => refusing.once('ready', resolve)), 'a connection');
        assert.strictEqual(await within(refusing.publish('a', 'b'), 'a count'), 0);
    });

    has('quits, disconnects, and has duplicates with connections of their own', async ({ connect }) => {
        const client = await connect();
        const [quitting, leaving] = [client.duplicate(), client.duplicate()];
        const ends = (one) => new Promise((resolve) => one.once('end', resolve));
        const clients = async () => FIGURE('connected_clients', await client.info());

        const ids = await within(Promise.all([client, quitting, leaving].map((one) => one.client('ID'))), 'ids');
        assert.strictEqual(new Set(ids).size, 3);
        assert.strictEqual(await within(clients(), 'a figure'), 3);
        await within(quitting.subscribe('a'), 'a subscription');
        const ended = Promise.all([ends(quitting), ends(leaving)]);
        assert.strictEqual(await within(quitting.quit(), 'good-bye'), 'OK');
        leaving.disconnect();
        await within(ended, 'the ends');
        await until(async () => (await clients()) === 1, 'one is left');
    });

    has('leaves all channels and patterns, and may then do anything', async ({ connect }) => {
        const client = await connect();

        await within(client.subscribe('a', 'b', 'c'), 'subscriptions');
        await within(client.psubscribe('x*', 'y*'), 'subscriptions');
        if (client.options.protocol === 3)
            assert.strictEqual(await within(client.publish('y', 'as a subscriber'), 'a count'), 1);
        else await assert.rejects(client.publish('y', 'as a subscriber'), /subscriber mode/);
        assert.strictEqual(await within(client.unsubscribe('b'), 'a count'), 4);
        assert.strictEqual(await within(client.punsubscribe('x*', 'y*'), 'a count'), 2);
        assert.strictEqual(await within(client.unsubscribe(), 'the channels'), 0);
        await within(client.psubscribe('x*', 'y*'), 'subscriptions');
        assert.strictEqual(await within(client.punsubscribe(), 'the patterns'), 0);
        assert.strictEqual(await within(client.publish('a', 'b'), 'a count'), 0);
        assert.strictEqual(FIGURE('subscriptions', await within(client.info(), 'figures')), 0);
    });
}

tests('ioredis-5', {});
tests('ioredis-6', {});
tests('ioredis-6', { protocol: 2 });
