/* server.js - a server of its own for a test, and waits that end. */
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');

const PATIENCE_MS = 20000;

/* What `promise` comes to; it MUST in time. */
async function within(promise, what) {
    let timer;
    const expired = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
    });

    try {
        return await Promise.race([promise, expired]);
    } finally {
        clearTimeout(timer);
    }
}

/* Ask again and again until `claim()` comes to true. */
async function until(claim, what) {
    const end = Date.now() + PATIENCE_MS;

    while (!(await within(claim(), what))) {
        assert.ok(Date.now() < end, `waited in vain until ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

/* Gathers what it is called with: `take` is the function to be called, `got(count)` comes to so many. */
function gather() {
    const gathered = [];
    let wake = () => {};

    return {
        take: (...what) => {
            gathered.push(what);
            wake();
        },
        got: (count) =>
            within(
                new Promise((resolve) => {
                    wake = () => gathered.length >= count && resolve(gathered);
                    wake();
                }),
                `${count} messages`,
            ),
    };
}

class Server {
    /* port  0: any that is free */
    static async start(port = 0) {
        const server = new Server();

        await server.run(port);
        return server;
    }

    async run(port) {
        this.errors = '';
        this.process = spawn(process.env.SERVER_PROGRAM, ['--port', `${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
        this.ended = once(this.process, 'exit');
        this.kill = () => this.process.kill('SIGKILL');
        process.on('exit', this.kill);
        this.process.stderr.on('data', (text) => (this.errors += text));
        const [line] = await within(once(this.process.stdout, 'data'), 'the server to listen');
        this.port = Number(/listening on [^:]*:(\d+),/.exec(line)[1]);
    }

    async stop(signal = 'SIGTERM') {
        this.process.kill(signal);
        const [code] = await within(this.ended, 'the server to end');
        process.removeListener('exit', this.kill);
        assert.strictEqual(this.errors, '');
        assert.strictEqual(code, signal === 'SIGTERM' ? 0 : null);
    }

    /* Another one, in the place of one that has stopped. */
    async start_again() {
        await this.run(this.port);
    }
}

/* Why a package cannot be used here, or false. */
function skip(name) {
    const { version, engines } = require(`${name}/package.json`);
    const least = Number(/\d+/.exec(engines?.node ?? '0')[0]);

    return Number(process.versions.node.split('.')[0]) < least && `${name} ${version} wants node ${least}`;
}

module.exports = { Server, gather, skip, until, within };
