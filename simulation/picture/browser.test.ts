import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Trace, Violation } from '../trace.ts';
import { plausibleTrace } from '../traces.fixture.ts';
import { toHtml } from './html.ts';

const chromium = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((file) => existsSync(file));
const why = chromium === undefined ? ' (skipped: there is no `chromium` on the PATH; the package of that name brings it)' : '';
if (why !== '') console.warn(`The picture was not tried in a browser${why}.`);

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** One tab of a headless browser, spoken to by its debugging protocol. */
class Tab {
  /** Errors of scripts, and whatever the page's policy refused. */
  readonly errors: unknown[] = [];
  readonly requests: string[] = [];
  readonly #socket: WebSocket;
  readonly #session: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #events = new Map<string, () => void>();
  #last = 0;

  constructor(socket: WebSocket, session: string) {
    this.#socket = socket;
    this.#session = session;
    socket.on('message', (data: Buffer) => this.#heard(JSON.parse(data.toString()) as Answer));
  }

  #heard(answer: Answer): void {
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    if (answer.method === 'Runtime.exceptionThrown' || answer.method === 'Log.entryAdded') this.errors.push(answer.params);
    if (answer.method === 'Network.requestWillBeSent') this.requests.push((answer.params?.['request'] as { url: string }).url);
    this.#events.get(answer.method ?? '')?.();
  }

  async send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#last + 1_000;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  async open(file: string): Promise<void> {
    this.errors.length = 0;
    this.requests.length = 0;
    const loaded = new Promise<void>((resolve) => this.#events.set('Page.loadEventFired', resolve));
    await this.send('Page.navigate', { url: pathToFileURL(file).href });
    await loaded;
  }

  /** What an expression is in the page. */
  async value(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: unknown }).value;
  }

  async key(key: string, code: number): Promise<void> {
    await this.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key, windowsVirtualKeyCode: code });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode: code });
  }

  async type(selector: string, text: string): Promise<void> {
    await this.value(`document.querySelector(${JSON.stringify(selector)}).focus()`);
    await this.send('Input.insertText', { text });
  }

  /** Presses where the middle of an element is. */
  async click(selector: string): Promise<void> {
    const where = (await this.value(
      `(() => { const box = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()`,
    )) as { x: number; y: number };
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.send('Input.dispatchMouseEvent', { type, ...where, button: 'left', clickCount: 1 });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'picture-'));
let browser: ChildProcess;
let socket: WebSocket;
let tab: Tab;

async function launch(): Promise<void> {
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--window-size=1600,1000',
  ];
  browser = spawn(chromium ?? '', [...flags, '--remote-debugging-port=0', `--user-data-dir=${join(folder, 'profile')}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    browser.once('exit', () => reject(new Error(`chromium ended: ${said}`)));
    browser.stderr?.on('data', (data: Buffer) => {
      said += data.toString();
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const { targetId } = await ask(1, 'Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await ask(2, 'Target.attachToTarget', { targetId, flatten: true });
  tab = new Tab(socket, sessionId as string);
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await tab.send(`${domain}.enable`);
}

/** Asks the browser itself, before there is a tab. */
function ask(id: number, method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve) => {
    const hear = (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      if (answer.id !== id) return;
      socket.off('message', hear);
      resolve(answer.result ?? {});
    };
    socket.on('message', hear);
    socket.send(JSON.stringify({ id, method, params }));
  });
}

async function show(trace: Trace, options: { readonly violation?: Violation; readonly eventsMax?: number } = {}): Promise<void> {
  const file = join(folder, 'picture.html');
  writeFileSync(file, toHtml(trace, options));
  await tab.open(file);
}

const rows = () => tab.value(`document.querySelectorAll('.row').length`);
const rowsOf = (kind: string) => tab.value(`document.querySelectorAll('.row.${kind}').length`);
const chosen = () => tab.value(`Number(document.querySelector('.row.chosen')?.dataset.at ?? -1)`);
const width = () => tab.value(`document.getElementById('picture').getBoundingClientRect().width`) as Promise<number>;
const nodes = ['database', 'bank', 'relay', 'office', 'analysis'];

describe.skipIf(chromium === undefined)(`in a real browser${why}`, () => {
  beforeAll(launch, 60_000);
  afterAll(async () => {
    socket.close();
    const ended = new Promise((resolve) => browser.once('exit', resolve));
    browser.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  const trace = plausibleTrace({ nodes, messages: 200 });
  const broken = trace.events.findIndex((event) => event.kind === 'bytes' && event.to === 'analysis' && event.atMs > 500);
  const violation = { invariant: 'every message ends', text: 'one did not', at: broken };
  const count = trace.events.length;

  test('it opens at the broken step, under sticky headings, without an error or a request', async () => {
    await show(trace, { violation });
    expect(await rows()).toBe(count);
    expect(await chosen()).toBe(broken);
    expect(await tab.value(`document.querySelector('.row.broken').dataset.at`)).toBe(String(broken));
    const box = `(selector) => document.querySelector(selector).getBoundingClientRect()`;
    expect(await tab.value(`(${box})('.row.broken').top > (${box})('#heads').bottom`)).toBe(true);
    expect(await tab.value(`(${box})('.row.broken').bottom < innerHeight`)).toBe(true);
    expect(await tab.value(`scroller.scrollTop > 0 && (${box})('#heads').top === (${box})('#scroller').top`)).toBe(true);
    expect(await tab.value(`document.getElementById('violation').innerText`)).toContain('every message ends: one did not');
    expect(tab.errors).toEqual([]);
    expect(tab.requests.filter((url) => !url.startsWith('file:') || !url.endsWith('/picture.html'))).toEqual([]);
  });

  test('keys and buttons step through it, and the details follow', async () => {
    await show(trace);
    expect(await chosen()).toBe(-1);
    await tab.key('ArrowDown', 40);
    await tab.key('ArrowDown', 40);
    expect(await chosen()).toBe(1);
    await tab.click('#next');
    expect(await chosen()).toBe(2);
    expect(await tab.value(`document.getElementById('details').innerText`)).toContain('event 2, relay');
    await tab.key('ArrowUp', 38);
    await tab.click('#previous');
    await tab.click('#previous');
    expect(await chosen()).toBe(0);
    await tab.key('End', 35);
    expect(await chosen()).toBe(count - 1);
    expect(await tab.value(`document.querySelector('.row.chosen').getBoundingClientRect().bottom < innerHeight`)).toBe(true);
    expect(tab.errors).toEqual([]);
  });

  test('a click chooses an event, and from it its other end', async () => {
    await show(trace);
    const sent = trace.events.findIndex(({ kind }) => kind === 'bytes');
    await tab.click(`.row[data-at="${sent}"]`);
    expect(await chosen()).toBe(sent);
    await tab.click('#details button');
    expect(trace.events[(await chosen()) as number]).toMatchObject({ kind: 'bytes', what: 'arrived', piece: 1 });
    expect(await tab.value(`document.querySelectorAll('.arrow.lit').length`)).toBe(1);
  });

  test('it is filtered by kind, by node and by route', async () => {
    await show(trace, { violation });
    await tab.click('#kinds label:nth-of-type(2) input');
    // The broken step is of that kind, and stays.
    expect(await rowsOf('bytes')).toBe(1);
    expect(await rowsOf('message')).toBe(trace.events.filter(({ kind }) => kind === 'message').length);
    await tab.click('#nodes summary');
    await tab.click('#nodes label:nth-of-type(1) input');
    expect(await tab.value(`[...document.querySelectorAll('#heads g title')].map((title) => title.textContent)`)).toEqual(nodes.slice(1));
    await tab.click('#nodes summary');
    await tab.type('#route', '0#APP-7');
    const routed = trace.events.filter((event) => event.kind === 'message' && event.returnRoute === '0#app-7' && event.node !== 'database');
    expect(routed.length).toBeGreaterThan(0);
    expect(await rowsOf('message')).toBe(routed.length);
    expect(await rowsOf('fault')).toBeGreaterThan(0);
    expect(await tab.value(`document.getElementById('visible').textContent`)).toMatch(/^\d+ of them pass/);
    expect(tab.errors).toEqual([]);
  });

  test('buttons, keys and the wheel zoom it', async () => {
    await show(trace);
    const natural = await width();
    await tab.click('#larger');
    expect((await width()) / natural).toBeCloseTo(1.25, 2);
    await tab.key('-', 189);
    expect((await width()) / natural).toBeCloseTo(1, 2);
    await tab.send('Input.dispatchMouseEvent', { type: 'mouseWheel', x: 600, y: 500, deltaX: 0, deltaY: -200, modifiers: 2 });
    expect((await width()) / natural).toBeGreaterThan(1.3);
    await tab.click('#natural');
    expect((await width()) / natural).toBeCloseTo(1, 2);
    expect(tab.errors).toEqual([]);
  });

  test('hostile texts are shown and run nothing', async () => {
    const evil = `</script><script>window.ran = 1</script><img src=x onerror="window.ran = 1"><svg onload="window.ran = 1">`;
    const names = [evil, `b${evil}`, 'javascript:window.ran=1'];
    const hostile = plausibleTrace({ nodes: names, messages: 20, logText: evil });
    await show({ ...hostile, scenario: evil }, { violation: { invariant: evil, text: evil, at: 30 } });
    for (let at = 0; at < hostile.events.length; at++) await tab.value(`choose(${at})`);
    await tab.type('#route', 'onerror');
    expect(await tab.value('typeof window.ran')).toBe('undefined');
    expect(await tab.value(`[document.scripts.length, document.images.length, document.querySelectorAll('svg').length]`)).toEqual([
      2, 0, 2,
    ]);
    expect(await tab.value(`document.querySelector('h1').textContent`)).toContain(evil);
    expect(tab.errors).toEqual([]);
    expect(tab.requests.length).toBe(1);
  });

  test('of ten thousand events it shows as many as it may, and says so; it draws all when asked', async () => {
    const long = plausibleTrace({ nodes, messages: 3_000 });
    expect(long.events.length).toBeGreaterThan(10_000);
    await show(long);
    expect(await rows()).toBe(2_000);
    const left = long.events.length - 2_000;
    expect(await tab.value(`document.getElementById('sum').textContent`)).toContain(
      `2000 of ${long.events.length} events. ${left} events are left out`,
    );
    const told = `[...document.querySelectorAll('.gap text')].reduce((sum, text) => sum + Number(/(\\d+) left out/.exec(text.textContent)?.[1] ?? 0), 0)`;
    expect(await tab.value(told)).toBe(left);
    await show(long, { eventsMax: 20_000 });
    expect(await rows()).toBe(long.events.length);
    expect(tab.errors).toEqual([]);
  });
});
