import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { McpServers } from '../mcp-server.ts';
import { freePort } from '../ports.ts';
import { answerPages, PAGES } from './scripted-pages.ts';

/** What the model was sent. */
export interface Call {
  /** The path that it was sent to, such as `/v1/chat/completions`. */
  path: string;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  body: any;
  /** Resolves when the connection of this call has closed, whoever closed it. */
  closed: Promise<void>;
}

/** What a script may do with one call. */
export interface Turn extends Call {
  /** Sends a chunk with this `delta`. */
  delta(delta: object, finish?: string): Promise<void>;
  /** Sends a chunk of text. */
  text(text: string): Promise<void>;
  /** Ends the stream properly: the finish reason, the usage, [DONE]. */
  finish(reason?: string, usage?: object): Promise<void>;
  /** Sends bytes as they are, in one write. */
  raw(bytes: string | Uint8Array): Promise<void>;
  /** Answers without a stream. */
  reply(status: number, body: string | object, headers?: Record<string, string>): void;
  /** Ends the reply as it is. */
  end(): void;
  /** Sets headers of the reply, before anything of it is sent. */
  setHeaders(headers: Record<string, string>): void;
  /** Breaks the connection. */
  cut(): void;
  sleep(ms: number): Promise<void>;
}

/** Plays the model's part in one call; what it leaves open is cut. */
export type Script = (turn: Turn) => void | Promise<void>;

/** A Chat Completions server on a real port whose every model is a script. */
export interface ScriptedModel {
  /** Its base URL, `/v1` included. */
  readonly url: string;
  /** A model name of its own for a script, or for one script a call; the last one repeats. */
  script(...scripts: Script[]): string;
  /** The same for a model that the configuration gives no grammars. */
  refusing(...scripts: Script[]): string;
  /** The same for a server to which the configuration's `send` sends otherwise. */
  ruled(...scripts: Script[]): string;
  /** The same for a server whose texts may be calls. */
  written(...scripts: Script[]): string;
  /** The same for scripts that speak the Responses API. */
  native(...scripts: Script[]): string;
  /** The same for a server that is taken for OpenAI's own, and knows all tools and items. */
  openai(...scripts: Script[]): string;
  /** The same for scripts that speak the Messages API. */
  anthropic(...scripts: Script[]): string;
  /**
   * The same for a model whose name begins with `kind`, and whose server has these paths besides: what they answer. A path
   * that no model has is 404.
   */
  counting(kind: string, paths: Readonly<Record<string, Script>>, ...scripts: Script[]): string;
  /** The calls of a model so far. */
  calls(model: string): Call[];
  /** Where webhooks are received, on the same server, as at every path below. */
  readonly hooksUrl: string;
  /** What was received there, in order, as text; every attempt counts. */
  readonly hooks: { path: string; headers: IncomingHttpHeaders; body: string }[];
  /** Answers the next webhooks with these statuses, and then with 200 again. */
  answerHooks(...statuses: number[]): void;
  /**
   * Where functions are, on the same server: below it a path of a status and a name answers with that status, and with what was asked as
   * JSON. `/hangs` never answers.
   */
  readonly functionsUrl: string;
  /** Where pages and a search over them are, on the same server. */
  readonly pagesUrl: string;
  /** What was searched for there, in order. */
  readonly searches: readonly string[];
  /** MCP servers at paths of the same server. */
  readonly mcp: McpServers;
  close(): Promise<void>;
}

const HOOKS = '/hooks';
const FUNCTIONS = '/functions';

/** What a server's protocol says otherwise than those that are built in. */
export interface Wire {
  /** The model that a call is for. */
  modelOf(call: Call): string | undefined;
  /** Whether a call runs its model; else it asks for something besides, such as a count. */
  runs(call: Call): boolean;
  /** The list of models, whose path is any that is read by GET. */
  listOf(ids: readonly string[]): object;
}

const RUN = ['/v1/chat/completions', '/v1/responses', '/v1/messages'];

const builtIn: Wire = {
  // llama.cpp's `/tokenize` is told no model; here the text tells it.
  modelOf: ({ body }) => body.model ?? /[a-z]+(-[a-z]+)*-\d+/.exec(body.content)?.[0],
  runs: ({ path }) => RUN.includes(path),
  listOf: (ids) => ({ object: 'list', data: ids.map((id) => ({ id, object: 'model' })) }),
};

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** Starts the server on a free port of the loopback. */
export async function startScriptedModel(wire: Partial<Wire> = {}): Promise<ScriptedModel> {
  const { modelOf, runs, listOf } = { ...builtIn, ...wire };
  const scripts = new Map<string, Script[]>();
  const counts = new Map<string, Readonly<Record<string, Script>>>();
  const calls = new Map<string, Call[]>();
  const hooks: ScriptedModel['hooks'] = [];
  const searches: string[] = [];
  let statuses: number[] = [];
  const mcp = new McpServers(() => origin);
  const server = createServer(async (req, res) => {
    if (req.url?.startsWith(FUNCTIONS)) return answerFunction(req, res);
    if (req.url?.startsWith(PAGES)) return answerPages(req, res, origin, (query) => searches.push(query));
    if (mcp.handle(req, res)) return;
    if (req.method === 'GET') {
      const ids = [...scripts.keys()].filter((id) => id.startsWith('scripted-')).slice(0, 3);
      res.setHeader('content-type', 'application/json').end(JSON.stringify(listOf(ids)));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    if (req.url?.startsWith(HOOKS)) {
      hooks.push({ path: req.url, headers: req.headers, body: Buffer.concat(chunks).toString() });
      res.writeHead(statuses.shift() ?? 200).end();
      return;
    }
    const isForm = req.headers['content-type']?.startsWith('multipart/');
    const body = isForm ? await formIn(req, chunks) : JSON.parse(Buffer.concat(chunks).toString());
    const closed = once(res, 'close').then(() => undefined);
    const call = { path: req.url ?? '', headers: req.headers, body, closed };
    const model = modelOf(call) ?? '';
    const before = calls.get(model) ?? [];
    calls.set(model, [...before, call]);
    if (!runs(call)) {
      const turn = startTurn(res, call);
      const answer = counts.get(model)?.[call.path] ?? replies(404, { detail: 'Not Found' });
      await answer(turn);
      if (!res.writableEnded) res.destroy();
      return;
    }
    const made = before.filter(runs);
    const parts = scripts.get(model) ?? [];
    const script = parts[Math.min(made.length, parts.length - 1)];
    const turn = startTurn(res, call);
    if (!script) return turn.reply(404, { error: { message: `model '${model}' not found` } });
    await script(turn);
    if (!res.writableEnded) res.destroy();
  });
  server.keepAliveTimeout = 60_000; // a busy machine notices late that a connection was closed, and calls on it fail
  // A connection that the server closes for being idle may just be given a call by the other end: it would break off.
  server.keepAliveTimeout = 0;
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  let names = 0;
  const named = (kind: string) => {
    return (...list: Script[]) => {
      const name = `${kind}-${names++}`;
      scripts.set(name, list);
      return name;
    };
  };
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: `${origin}/v1`,
    hooksUrl: origin + HOOKS,
    hooks,
    functionsUrl: origin + FUNCTIONS,
    pagesUrl: origin + PAGES,
    searches,
    mcp,
    answerHooks(...next) {
      statuses = next;
    },
    script: named('scripted'),
    refusing: named('refusing'),
    ruled: named('ruled'),
    written: named('written'),
    native: named('native'),
    openai: named('openai'),
    anthropic: named('anthropic'),
    counting(kind, paths, ...list) {
      const name = named(kind)(...list);
      counts.set(name, paths);
      return name;
    },
    calls: (model) => calls.get(model) ?? [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers a call of a function with what it was asked. */
async function answerFunction(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method, url = '', headers } = req;
  const [, , status = '', name = ''] = url.split('/');
  if (status === 'hangs') return;
  const body = await text(req);
  const { authorization, 'content-type': type, 'x-user': user } = headers;
  const asked = { method, name, body, authorization, type, user };
  res.writeHead(Number(status), { 'content-type': 'application/json' }).end(JSON.stringify(asked));
}

/** The fields of a form, and the whole of its bytes. */
async function formIn({ headers }: IncomingMessage, chunks: readonly Buffer[]) {
  const bytes = Buffer.concat(chunks);
  const type = headers['content-type'] ?? '';
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  return { ...Object.fromEntries(form), bytes };
}

function startTurn(res: ServerResponse, call: Call): Turn {
  const raw = (bytes: string | Uint8Array) => {
    if (!res.headersSent && !res.hasHeader('content-type')) res.setHeader('content-type', 'text/event-stream');
    return new Promise<void>((resolve) => (res.destroyed ? resolve() : res.write(bytes, () => resolve())));
  };
  const chunk = (members: object) =>
    raw(
      `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', ...members })}\n\n`,
    );
  const delta = (delta: object, finish_reason: string | null = null) =>
    chunk({ choices: [{ index: 0, delta, finish_reason }] });
  return {
    ...call,
    raw,
    delta,
    text: (content) => delta({ content }),
    async finish(reason = 'stop', usage = USAGE) {
      await delta({}, reason);
      await chunk({ choices: [], usage });
      await raw('data: [DONE]\n\n');
      res.end();
    },
    reply(status, body, headers = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    },
    setHeaders(headers) {
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    },
    end: () => {
      res.end();
    },
    cut: () => {
      res.destroy();
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/** `limits.head` of the products under test: longer than a model on a busy machine takes to refuse. */
export const HEAD_MS = 1_500;

/** The script of a server that says nothing, not even a status, for longer than `limits.head`. */
export function late(script: Script): Script {
  return async (turn) => {
    await turn.sleep(HEAD_MS + 100);
    await script(turn);
  };
}

/** The same script, with headers of its reply. */
export function heads(headers: Record<string, string>, script: Script): Script {
  return (turn) => {
    turn.setHeaders(headers);
    return script(turn);
  };
}

/** A script that takes the call, and then fails with this error in its stream. */
export function failsMidway(error: object): Script {
  return async (turn) => {
    await turn.raw(`data: ${JSON.stringify({ error })}\n\n`);
    turn.end();
  };
}

/** A script that says these texts and ends properly. */
export function says(...texts: string[]): Script {
  return async (turn) => {
    await turn.delta({ role: 'assistant', content: '' });
    for (const text of texts) await turn.text(text);
    await turn.finish();
  };
}

/** A script that answers without a stream. */
export function replies(status: number, body: string | object, headers: Record<string, string> = {}): Script {
  return (turn) => turn.reply(status, body, headers);
}

/** A script that sends these chunks' deltas, ends for a reason, and tells this usage. */
export function sends(deltas: readonly object[], reason = 'stop', usage: object = USAGE): Script {
  return async (turn) => {
    for (const delta of deltas) await turn.delta(delta);
    await turn.finish(reason, usage);
  };
}

/** A script that says a text and then nothing more until the connection closes; `begun` resolves once it has spoken. */
export function hangs(text = 'Hel'): { script: Script; begun: Promise<void> } {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const script: Script = async (turn) => {
    if (text) await turn.text(text);
    resolve();
    await turn.closed;
  };
  return { script, begun };
}

/** A script that calls functions, each whole in one chunk, and ends properly. */
export function callsFunctions(...calls: { name: string; args: string; id?: string }[]): Script {
  return async (turn) => {
    for (const [index, { name, args, id = `call_${index}` }] of calls.entries()) {
      await turn.delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: args } }] });
    }
    await turn.finish('tool_calls');
  };
}
