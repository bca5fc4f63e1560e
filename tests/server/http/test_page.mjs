// test_page.mjs SERVER CHROMIUM [FOLDER]: the live page in a browser, with traffic from redis-benchmark. Screenshots are
// left in FOLDER, if there is one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { Browser, until } from './browser.mjs';

const [program, chromium, folder] = process.argv.slice(2);
const HOSTILE = ['<script>window.owned = 1</script>', '<img src=x onerror="window.owned = 2">', '"><b id=owned>',
  '\u202egnp.exe', 'a\tb', '${window.owned = 3}', '名前', 'x'.repeat(255)];
const children = new Set();

function run(command, ...words) {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function startServer(httpPort) {
  const child = run(program, '--port', '0', '--http', String(httpPort), '--capacity', '256');
  let said = '';
  child.stdout.on('data', (bytes) => { said += bytes; });
  const match = await until('the server listens', () => /:(\d+), \d+ loops\n.*(http:\/\/\S+)\n/.exec(said));
  return { child, port: Number(match[1]), url: match[2] };
}

async function stop(child, signal) {
  child.kill(signal);
  await once(child, 'exit');
}

// A client that subscribes to these channels, and reads.
async function subscribe(port, channels) {
  const words = ['SUBSCRIBE', ...channels];
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  socket.write('*' + words.length + '\r\n' +
    words.map((word) => '$' + Buffer.byteLength(word) + '\r\n' + word + '\r\n').join(''));
  return socket;
}

// Traffic until the test ends.
function publish(port, channel) {
  return run('redis-benchmark', '-p', String(port), '-c', '4', '-l', '-n', '2000', '-q', 'PUBLISH', channel, 'hello');
}

const names = (table) =>
  `Array.from(document.querySelectorAll('#${table} tbody th'), (cell) => cell.textContent)`;
const tile = (number) => `document.querySelectorAll('#tiles .value')[${number}].textContent`;
const rateOfNews = `(() => {
  const row = Array.from(document.querySelectorAll('#topics tbody tr')).find((r) => r.cells[0].textContent === 'news');
  return row ? parseFloat(row.cells[1].textContent) : 0;
})()`;

async function findsNobody(page, server) {
  await page.until(`document.getElementById('state').dataset.state === 'live'`);
  await page.until(`!document.getElementById('empty').hidden`);
  assert.equal(await page.ask(`document.getElementById('try-subscribe').textContent`),
    'redis-cli -p ' + server.port + ' subscribe news');
  assert.equal(await page.ask(`document.getElementById('topics-section').hidden`), true);
}

async function showsRates(page) {
  await page.until(`document.getElementById('empty').hidden`);
  await page.until(`parseFloat(${tile(0)}) > 0 && parseFloat(${tile(1)}) > 0`);
  await page.until(`${rateOfNews} > 0`);
  await page.until(`/^M.*L/.test(document.querySelector('#chart .published').getAttribute('d'))`);
  await page.until(`document.title.endsWith('/s – ringbus')`);
  assert.ok((await page.ask(names('groups'))).includes('loop-1'));
  assert.ok(await page.ask(`Array.from(document.querySelectorAll('#topology text'))
    .some((label) => label.firstChild.nodeValue === 'news')`));
  assert.ok(await page.ask(`document.querySelectorAll('#topology path.busy').length`) >= 2);
}

async function showsHostileNamesAsText(page) {
  for (const name of HOSTILE) {
    const text = name.replace('\u202e', '\\u202e').replace('\t', '\\u0009');
    await page.until(`${names('topics')}.includes(${JSON.stringify(text)})`);
  }
  assert.equal(await page.ask(`window.owned`), undefined);
  assert.equal(await page.ask(`document.querySelectorAll('main script, main img, main b').length`), 0);
  assert.equal(await page.ask(`document.scripts.length`), 1);
}

async function fitsScreens(page) {
  const grounds = [];
  for (const [name, width, height, scheme] of [['wide-light', 1180, 900, 'light'], ['wide-dark', 1180, 900, 'dark'],
    ['phone-light', 375, 740, 'light'], ['phone-dark', 375, 740, 'dark']]) {
    await page.look(width, height, scheme);
    await page.until(`document.documentElement.clientWidth === ${width}`);
    assert.ok(await page.ask(`document.scrollingElement.scrollWidth`) <= width, name + ' is wider than its screen');
    grounds.push(await page.ask(`getComputedStyle(document.body).backgroundColor`));
    if (folder) {
      await page.look(width, await page.ask(`document.scrollingElement.scrollHeight`), scheme);
      await page.until(`document.getElementById('chart').viewBox.baseVal.width ===
        document.getElementById('chart').clientWidth`);
      writeFileSync(join(folder, name + '.png'), await page.screenshot());
    }
  }
  assert.notEqual(grounds[0], grounds[1]);
  assert.equal(grounds[1], grounds[3]);
}

async function keepsStill(page) {
  await page.look(1180, 900, 'light');
  await page.until(`document.getAnimations().length > 0`);
  await page.look(1180, 900, 'light', 'reduce');
  await page.until(`document.getAnimations().length === 0`);
}

async function pausesByKey(page) {
  await page.ask(`document.activeElement.blur()`);
  await page.press('Tab');
  assert.equal(await page.ask(`document.activeElement.id`), 'pause');
  await page.press('Enter');
  const total = `document.querySelector('#tiles .more').textContent`;
  const before = await page.ask(total);
  const seen = await page.ask(`latest.snapshot.now_ns`);
  await page.until(`latest.snapshot.now_ns > ${seen}`);
  assert.equal(await page.ask(total), before);
  await page.press('Enter');
  await page.until(`${total} !== ${JSON.stringify(before)}`);
}

async function findsTheServerAgain(page, server) {
  await stop(server.child, 'SIGKILL');
  await page.until(`document.getElementById('state').textContent.startsWith('the server is gone')`);
  const next = await startServer(new URL(server.url).port);
  await page.until(`document.getElementById('state').dataset.state === 'live'`);
  await subscribe(next.port, ['news']);
  const traffic = publish(next.port, 'news');
  await page.until(`parseFloat(${tile(0)}) > 0 && ${rateOfNews} > 0`);
  assert.deepEqual(await page.ask(names('topics')), ['news']);
  await stop(traffic, 'SIGKILL');
  await stop(next.child, 'SIGTERM');
  await page.until(`document.getElementById('state').dataset.state === 'lost'`);
}

async function test() {
  const server = await startServer(0);
  const page = await Browser.open(chromium);
  try {
    await page.look(1180, 900, 'light');
    await page.open(server.url);
    await findsNobody(page, server);
    await subscribe(server.port, ['news', 'orders.eu', ...HOSTILE]);
    await subscribe(server.port, ['news']);
    const traffic = [publish(server.port, 'news'), publish(server.port, HOSTILE[0])];
    await showsRates(page);
    await showsHostileNamesAsText(page);
    await fitsScreens(page);
    await keepsStill(page);
    await pausesByKey(page);
    assert.deepEqual(page.complaints, []);
    for (const child of traffic) await stop(child, 'SIGKILL');
    await findsTheServerAgain(page, server);
  } finally {
    await page.close();
  }
}

process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
await test();
process.exit(0);
