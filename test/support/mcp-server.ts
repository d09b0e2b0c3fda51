import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

// MCP servers of tests, at paths of one HTTP server: in the newest protocol, in the one before with sessions, and in the oldest over SSE.

/** What the tool of a test gives, or how it fails: a thrown RpcError is one of the protocol. */
export type Given = { content?: object[]; structuredContent?: unknown; isError?: boolean };

/** A tool of a server of a test. */
export interface McpToolScript {
  name: string;
  description?: string;
  inputSchema?: object;
  annotations?: object;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  run(args: any, call: McpRequest): Given | Promise<Given>;
}

/** An error as JSON-RPC has it. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** A reply of HTTP in place of a result; `$id` in its body is the request's id. */
export class HttpReply extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** Breaks the connection in place of an answer, and the streams of all. */
export class Broken extends Error {}

/** A request that a server got. */
export interface McpRequest {
  http: string;
  headers: IncomingHttpHeaders;
  /** Of JSON-RPC. */
  id?: unknown;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  params?: any;
  /** Resolves when its connection has closed. */
  closed: Promise<void>;
}

/** How a server answers. Whatever is changed counts from the next request on. */
export interface McpScript {
  era: '2026' | '2025' | 'sse';
  tools: McpToolScript[];
  /** The token without which everything is 401. */
  token?: string;
  /** What it says of itself with a 401. */
  challenge?: string;
  /** The status with which it answers everything. */
  status?: number;
  /** Whether it answers nothing. */
  hangs?: boolean;
  /** Called before it answers, which waits for that. */
  before?(request: McpRequest): Promise<void> | void;
  /** Whether it answers calls by a stream of events, that begins before they run. */
  streams?: boolean;
  /** Tools on a page of its list. */
  page?: number;
}

/** A server of a test. */
export interface McpServer {
  readonly url: string;
  /** A label that no other server has. */
  readonly label: string;
  readonly script: McpScript;
  readonly requests: McpRequest[];
  /** Requests of this method, in their order. */
  of(method: string): McpRequest[];
  /** Sessions that were begun and not ended. */
  readonly sessions: Set<string>;
  readonly begun: number;
  /** Ends the streams of those who are connected over SSE. */
  endStreams(): void;
  /** Says something on those streams. */
  say(text: string): void;
}

/** The MCP servers at the paths of one HTTP server. */
export class McpServers {
  readonly #servers = new Map<string, Server>();
  readonly #origin: () => string;

  constructor(origin: () => string) {
    this.#origin = origin;
  }

  /** A new server with these tools. */
  serve(tools: McpToolScript[], script: Partial<McpScript> = {}, label = `mcp-${this.#servers.size + 1}`): McpServer {
    const server = new Server(label, `${this.#origin()}/mcp/${label}`, { era: '2025', tools, ...script });
    this.#servers.set(label, server);
    return server;
  }

  /** Answers a request, if it is for one of them. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const [, label = ''] = /^\/mcp\/([\w-]+)/.exec(req.url ?? '') ?? [];
    const server = this.#servers.get(label);
    if (!server) return false;
    server.answer(req, res).catch((error) => {
      if (error instanceof Broken) {
        res.destroy();
        server.endStreams();
        return;
      }
      if (!(error instanceof HttpReply)) throw error;
      if (res.headersSent) return void res.end(error.body);
      res.writeHead(error.status, { 'content-type': 'application/json' }).end(error.body);
    });
    return true;
  }
}

const SESSION = 'mcp-session-id';

class Server implements McpServer {
  readonly label: string;
  readonly url: string;
  readonly script: McpScript;
  readonly requests: McpRequest[] = [];
  readonly sessions = new Set<string>();
  readonly #streams = new Map<string, ServerResponse>();
  begun = 0;

  constructor(label: string, url: string, script: McpScript) {
    this.label = label;
    this.url = url;
    this.script = script;
  }

  of(method: string): McpRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  say(text: string): void {
    for (const stream of this.#streams.values()) stream.write(text);
  }

  endStreams(): void {
    for (const stream of this.#streams.values()) stream.end();
  }

  async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { era, token, challenge = 'Bearer', status, hangs } = this.script;
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body = text ? JSON.parse(text) : {};
    const closed = once(res, 'close').then(() => undefined);
    const { id, method, params } = body;
    const request = { http: req.method ?? '', headers: req.headers, id, method, params, closed };
    this.requests.push(request);
    if (hangs) return;
    await this.script.before?.(request);
    if (token && req.headers.authorization !== `Bearer ${token}`)
      return void res.writeHead(401, { 'www-authenticate': challenge }).end(`not ${req.headers.authorization}`);
    if (status) return void res.writeHead(status).end('broken');
    if (era === 'sse') return this.#overSse(req, res, request, body);
    if (req.method === 'GET') return void res.writeHead(405).end();
    if (era === '2026') return this.#modern(res, request, body);
    return this.#withSession(res, request, body);
  }

  async #modern(res: ServerResponse, request: McpRequest, { id }: { id?: unknown }): Promise<void> {
    const { headers, method, params } = request;
    if (method === 'initialize') return reply(res, 404, id, { error: { code: -32_601, message: 'Method not found' } });
    const asks = [headers['mcp-protocol-version'], headers['mcp-method'], params?._meta && 'meta'];
    if (asks.join() !== ['2026-07-28', method, 'meta'].join())
      return reply(res, 400, id, { error: { code: -32_020, message: 'headers' } });
    const hints = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    if (method === 'server/discover')
      return reply(res, 200, id, {
        result: { ...hints, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
      });
    if (this.script.streams && method === 'tools/call')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': begins\n\n');
    const answer = await this.#result(request);
    reply(res, 200, id, 'result' in answer ? { result: { ...hints, ...answer.result } } : answer);
  }

  async #withSession(res: ServerResponse, request: McpRequest, { id }: { id?: unknown }): Promise<void> {
    const { http, headers, method } = request;
    const session = String(headers[SESSION] ?? '');
    if (method === 'initialize') {
      const made = randomUUID();
      this.sessions.add(made);
      this.begun++;
      res.setHeader(SESSION, made);
      return reply(res, 200, id, { result: initialized });
    }
    if (session === '') return reply(res, 400, null, { error: { code: -32_000, message: 'Server not initialized' } });
    if (!this.sessions.has(session))
      return reply(res, 404, null, { error: { code: -32_600, message: 'Session not found' } });
    if (http === 'DELETE') {
      this.sessions.delete(session);
      return void res.writeHead(200).end();
    }
    if (id === undefined) return void res.writeHead(202).end();
    if (this.script.streams) res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': begins\n\n');
    reply(res, 200, id, await this.#result(request));
  }

  async #overSse(
    req: IncomingMessage,
    res: ServerResponse,
    request: McpRequest,
    body: { id?: unknown },
  ): Promise<void> {
    const session = new URL(req.url ?? '', 'http://x').searchParams.get('session');
    if (req.method === 'GET') {
      const made = randomUUID();
      this.#streams.set(made, res);
      this.sessions.add(made);
      this.begun++;
      res.on('close', () => this.sessions.delete(made));
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(`event: endpoint\ndata: /mcp/${this.label}?session=${made}\n\n`);
      return;
    }
    const stream = this.#streams.get(session ?? '');
    if (!stream) return void res.writeHead(404).end();
    res.writeHead(202).end();
    if (body.id === undefined) return;
    const answer = request.method === 'initialize' ? { result: initialized } : await this.#result(request);
    stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: body.id, ...answer })}\n\n`);
  }

  async #result(request: McpRequest): Promise<{ result: object } | { error: object }> {
    const { method, params } = request;
    const { tools, page = tools.length } = this.script;
    if (method === 'tools/list') {
      const from = Number(params?.cursor ?? 0);
      const listed = tools.slice(from, from + page).map(({ run: _, ...tool }) => ({
        inputSchema: { type: 'object' },
        ...tool,
      }));
      const more = from + page < tools.length && { nextCursor: String(from + page) };
      return { result: { tools: listed, ...more } };
    }
    const tool = tools.find(({ name }) => name === params?.name);
    if (method !== 'tools/call' || !tool) return { error: { code: -32_602, message: `no ${method} ${params?.name}` } };
    try {
      const given = await tool.run(params.arguments ?? {}, request);
      return { result: { content: [], ...given } };
    } catch (error) {
      if (error instanceof RpcError) {
        const { code, message, data } = error;
        return { error: { code, message, data } };
      }
      if (error instanceof HttpReply)
        throw new HttpReply(error.status, error.body.replaceAll('"$id"', JSON.stringify(request.id)));
      throw error;
    }
  }
}

const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'test', version: '1' },
};

function reply(res: ServerResponse, status: number, id: unknown, answer: object): void {
  if (res.destroyed) return;
  if (res.headersSent)
    return void res.end(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n\n`);
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
}

/** What a tool gives that gives a text. */
export function gives(text: string): Given {
  return { content: [{ type: 'text', text }] };
}
