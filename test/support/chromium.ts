import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { newFolder } from './folder.ts';

/** The path of Debian's Chromium, or undefined where it is not installed. */
export function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {}
  }
  return undefined;
}

/** A reply or an event of the DevTools protocol. */
interface Message {
  id?: number;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the protocol has hundreds of forms
  params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  result?: any;
  error?: { message: string };
}

/** One page in a headless browser, driven by the DevTools protocol. */
export interface BrowserPage {
  /** Opens the address and waits until it has loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page; JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until the expression is true; the test's own time is the limit. */
  until(expression: string): Promise<void>;
  /** A PNG of what is shown. */
  picture(): Promise<Buffer>;
  /** The addresses that the page and its workers have asked for, without data: and blob:. */
  readonly requests: string[];
  /** Errors of scripts, and what the page's policy refused. */
  readonly faults: string[];
  close(): Promise<void>;
}

/** Opens a page of that size in a new browser with an empty profile. */
export async function openBrowser(path: string, width = 1280, height = 900): Promise<BrowserPage> {
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const profile = `--user-data-dir=${newFolder()}`;
  const size = `--window-size=${width},${height}`;
  const browser = spawn(path, [...args, profile, size, '--remote-debugging-port=0', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const socket = new WebSocket(await addressOf(browser));
  await once(socket, 'open');
  const waiting = new Map<number, (message: Message) => void>();
  const requests: string[] = [];
  const faults: string[] = [];
  const loaded = new EventTarget();
  let count = 0;
  const send = async (method: string, params: object = {}, sessionId?: string) => {
    const id = ++count;
    const { promise, resolve } = Promise.withResolvers<Message>();
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await promise;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  socket.addEventListener('message', ({ data }) => {
    const message: Message & { sessionId?: string } = JSON.parse(String(data));
    const { method, params } = message;
    if (message.id !== undefined) return waiting.get(message.id)?.(message);
    switch (method) {
      case 'Network.requestWillBeSent':
        if (!/^(data|blob|about):/.test(params.request.url)) requests.push(params.request.url);
        break;
      case 'Network.webSocketCreated':
        requests.push(params.url);
        break;
      case 'Runtime.exceptionThrown':
        faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        break;
      case 'Log.entryAdded':
        if (params.entry.level === 'error') faults.push(`${params.entry.text} ${params.entry.url ?? ''}`);
        break;
      case 'Page.loadEventFired':
        loaded.dispatchEvent(new Event('load'));
        break;
      case 'Target.attachedToTarget': // a worker of the page
        void send('Network.enable', {}, params.sessionId).catch(() => {});
        break;
    }
  });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const inPage = (method: string, params?: object) => send(method, params, sessionId);
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await inPage(`${domain}.enable`);
  await inPage('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await inPage('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  return {
    requests,
    faults,
    evaluate,
    async open(url) {
      const load = once(loaded, 'load');
      await inPage('Page.navigate', { url });
      await load;
    },
    async until(expression) {
      await evaluate(`new Promise((resolve) => {
        const look = () => ((${expression}) ? resolve(true) : setTimeout(look, 20));
        look();
      })`);
    },
    async picture() {
      const { data } = await inPage('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(data, 'base64');
    },
    async close() {
      const ended = once(browser, 'exit');
      await send('Browser.close');
      await ended;
    },
  };
}

/** The address of the browser's DevTools protocol, which it says on stderr. */
async function addressOf(browser: ChildProcess): Promise<string> {
  if (!browser.stderr) throw new Error('stderr is a pipe');
  const lines = createInterface(browser.stderr);
  let said = '';
  for await (const line of lines) {
    const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
    browser.stderr.resume();
    if (address) return address;
    said += `${line}\n`;
  }
  throw new Error(`Chromium has ended:\n${said}`);
}
