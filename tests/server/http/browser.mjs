// browser.mjs - a headless Chromium for a test, reached by its pipe: no port, no driver, nothing to install for node.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 30000;

// Ask again and again until the answer is true.
export async function until(what, ask) {
  const deadline = Date.now() + PATIENCE_MS;
  let answer;
  while (!(answer = await ask())) {
    if (Date.now() > deadline) throw new Error('waited in vain until ' + what);
    await pause(50);
  }
  return answer;
}

export class Browser {
  static async open(program) {
    const browser = new Browser();
    browser.folder = mkdtempSync(join(tmpdir(), 'ringbus-browser-'));
    browser.process = spawn(program, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
      '--hide-scrollbars', '--user-data-dir=' + browser.folder, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
    browser.process.stderr.on('data', (bytes) => { browser.said += bytes; });
    browser.process.on('exit', () => browser.fail());
    browser.process.stdio[4].on('data', (bytes) => browser.take(bytes));
    browser.process.stdio[3].on('error', () => {});
    const { targetInfos } = await browser.call('Target.getTargets');
    const { targetId } = targetInfos.find((target) => target.type === 'page');
    browser.session = (await browser.call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.call(domain + '.enable');
    return browser;
  }

  constructor() {
    this.waiting = new Map();
    this.number = 0;
    this.rest = Buffer.alloc(0);
    this.said = '';
    this.complaints = []; // of the page: exceptions, what its policy refused, what did not load
  }

  take(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let end; (end = this.rest.indexOf(0)) >= 0; this.rest = this.rest.subarray(end + 1))
      this.understand(JSON.parse(this.rest.subarray(0, end).toString()));
  }

  understand(message) {
    if (message.method === 'Runtime.exceptionThrown')
      this.complaints.push(JSON.stringify(message.params.exceptionDetails));
    if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error')
      this.complaints.push(message.params.entry.text);
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    if (message.error) waiting.reject(new Error(waiting.method + ': ' + message.error.message));
    else waiting.resolve(message.result);
  }

  fail() {
    for (const waiting of this.waiting.values()) waiting.reject(new Error('the browser has ended: ' + this.said));
    this.waiting.clear();
  }

  call(method, params = {}) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.number, { method, resolve, reject });
      this.process.stdio[3].write(JSON.stringify({ id: this.number, method, params, sessionId: this.session }) + '\0');
    });
  }

  // The value of an expression in the page.
  async ask(expression) {
    const { result, exceptionDetails } =
      await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(expression + ': ' + JSON.stringify(exceptionDetails));
    return result.value;
  }

  until(expression) {
    return until(expression, () => this.ask(expression));
  }

  async open(url) {
    await this.call('Page.navigate', { url });
    await this.until(`location.href === ${JSON.stringify(url)} && document.readyState === 'complete'`);
  }

  async press(key) {
    const event = { key, code: key, windowsVirtualKeyCode: { Tab: 9, Enter: 13 }[key] };
    if (key === 'Enter') event.text = '\r';
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  async look(width, height, scheme, motion = 'no-preference') {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: motion }] });
  }

  async screenshot() {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  }

  async close() {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    const kill = setTimeout(() => this.process.kill('SIGKILL'), PATIENCE_MS);
    delete this.session;
    this.call('Browser.close').catch(() => {});
    await gone;
    clearTimeout(kill);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}
