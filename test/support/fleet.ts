import type { TestContext } from 'node:test';
import { createHandler, type Handler, parseConfig, type Transport, type Upstream } from '../../handler/index.ts';
import { testDatabase } from './doors/database.ts';
import { playedTool } from './played-tool.ts';
import { testTool } from './test-tool.ts';

/** What a server of a fleet does with a call. */
export type Play = (call: FleetCall) => Promise<Upstream> | Upstream;

/** A call as a server gets it. */
export interface FleetCall {
  /** The name of its host. */
  host: string;
  path: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  body: any;
  headers: Record<string, string>;
  signal: AbortSignal;
}

const encode = (text: string) => new TextEncoder().encode(text);

/** A reply with a status, headers and pieces of a body. */
export function upstream(
  status: number,
  pieces: Iterable<string> | AsyncIterable<string>,
  headers: Record<string, string> = {},
): Upstream {
  return {
    status,
    header: (name) => headers[name] ?? null,
    body: (async function* () {
      for await (const piece of pieces) yield encode(piece);
    })(),
  };
}

const chunk = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta }], ...more })}\n\n`;

const endOf = (model: string) => [
  chunk({}, { model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE }),
  'data: [DONE]\n\n',
];

const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

/** Answers with the name of its host, and says the model's name as it was sent. */
export const answers: Play = ({ host, body }) => {
  const model = `${body.model}-served`;
  return upstream(200, [chunk({ content: `${host} says hello` }, { model }), ...endOf(model)]);
};

/** Answers that it calls a function, with more members of the call. */
export const callsFunction =
  (name: string, more: object = {}): Play =>
  () =>
    upstream(200, [
      chunk({
        tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name, arguments: '{}' }, ...more }],
      }),
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] })}\n\n`,
      'data: [DONE]\n\n',
    ]);

/** Refuses with a status. */
export const refuses =
  (status: number, body: object = { error: { message: 'no' } }, headers: Record<string, string> = {}): Play =>
  () =>
    upstream(status, [JSON.stringify(body)], headers);

/** Cannot be reached. */
export const unreachable: Play = () => Promise.reject(new TypeError('connect ECONNREFUSED'));

/** Answers nothing until it is given up. */
export const hangs: Play = ({ signal }) =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Begins to answer, and breaks off. */
export const breaksOff: Play = () =>
  upstream(
    200,
    (async function* () {
      yield chunk({ content: 'half of ' });
      throw new TypeError('socket hang up');
    })(),
  );

/** Takes the call with 200, and breaks off before it has said anything. */
export const breaksAtOnce: Play = () =>
  upstream(
    200,
    (async function* () {
      yield ': queued\n\n';
      throw new TypeError('socket hang up');
    })(),
  );

/** A handler in front of model servers that are functions, and what they were sent. */
export interface Fleet {
  handler: Handler;
  /** Every call so far, in order, but for lists of models. */
  calls: FleetCall[];
  /** The hosts of the calls so far, and forgets them. */
  hosts(): string[];
  /** What a host does from now on. */
  play(host: string, ...plays: Play[]): void;
  /** A host cannot be asked for its models from now on, or can again. */
  down(host: string): void;
  up(host: string): void;
  /** What a host lists as its models from now on: none, and it has no list. */
  list(host: string, ...models: object[]): void;
  /** Makes a turn; the body of its reply, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
  turn(request?: object, headers?: Record<string, string>): Promise<{ status: number; json: any; headers: Headers }>;
  /** Sends a body to a path. */
  ask(path: string, body: object | string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** Opens a handler with these `models`, whose servers are `http://NAME/v1`. What a host does not play, it answers. */
export async function openFleet(models: readonly object[], more: object = {}): Promise<Fleet> {
  const plays = new Map<string, Play[]>();
  const lists = new Map<string, object[]>();
  const down = new Set<string>();
  const calls: FleetCall[] = [];
  const transport: Transport = async (url, { method, headers, body, signal }) => {
    const { host, pathname: path } = new URL(url);
    if (method === 'GET' && down.has(host)) throw new TypeError('connect ECONNREFUSED');
    if (method === 'GET' && lists.get(host)?.length === 0) return upstream(404, ['{"detail":"Not Found"}']);
    if (method === 'GET')
      return upstream(200, [JSON.stringify({ data: lists.get(host) ?? [{ id: `model-of-${host}` }] })]);
    const isJson = headers['content-type'] === 'application/json';
    const call = { host, path, headers, signal, body: isJson ? JSON.parse(String(body)) : body };
    calls.push(call);
    const all = plays.get(host) ?? [];
    const play = (all.length > 1 ? all.shift() : all[0]) ?? answers;
    return play(call);
  };
  const database = await testDatabase();
  const handler = createHandler({
    config: parseConfig({ models, ...more }),
    database,
    transport,
    tools: [testTool, playedTool],
  });
  return {
    handler,
    calls,
    hosts: () => calls.splice(0).map(({ host }) => host),
    play: (host, ...own) => plays.set(host, own),
    ask: (path, body, init = {}) =>
      handler.fetch(
        new Request(`http://x${path}`, {
          method: 'POST',
          body: typeof body === 'string' ? body : JSON.stringify(body),
          ...init,
          headers: { 'content-type': 'application/json', ...init.headers },
        }),
      ),
    down: (host) => void down.add(host),
    up: (host) => void down.delete(host),
    list: (host, ...models) => lists.set(host, models),
    async turn(request = {}, headers = {}) {
      const body = JSON.stringify({ model: 'm', input: 'Hi', ...request });
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
      const reply = await handler.fetch(new Request('http://x/v1/responses', init));
      const text = await reply.text();
      const json = reply.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
      return { status: reply.status, json, headers: reply.headers };
    },
    async close() {
      await handler.close(0);
      await database.close();
    },
  };
}

/** What a turn said, by its reply. */
// biome-ignore lint/suspicious/noExplicitAny: a reply without a schema
export function textOf(json: any): string {
  return json.output[0].content[0].text;
}

/** A fleet with an entry for the model `m`, and others, which ends with its test. */
export async function fleetOf(t: TestContext, entry: object, ...others: object[]): Promise<Fleet> {
  const fleet = await openFleet([{ match: 'm', backend: 'chat', ...entry }, ...others]);
  t.after(() => fleet.close());
  return fleet;
}

/** Two servers that are alike, and two of which the second is asked where the first cannot be. */
export const two = [{ url: 'http://a/v1' }, { url: 'http://b/v1' }];
export const inOrder = [
  { url: 'http://a/v1', priority: 0 },
  { url: 'http://b/v1', priority: 1 },
];
