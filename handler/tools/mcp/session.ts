import type { McpBlock } from '../../items/mcp-output.ts';
import type { JsonObject } from '../../protocol/json.ts';

/** A server over HTTP, and what each request to it has. */
export interface HttpServer {
  readonly url: string;
  /** Credentials among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The URL of the configuration that it is, which may be a private one. */
  readonly configured?: string;
}

/** A program of the configuration, which is spoken to over its input and output. */
export interface StdioServer {
  readonly label: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** An MCP server. */
export type McpServer = HttpServer | StdioServer;

/** A tool as its server lists it. */
export interface ServerTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  /** Whether it says that it changes nothing. */
  readonly readOnly: boolean;
}

/** What a call has given. */
export interface CallResult {
  readonly blocks: readonly McpBlock[];
  readonly structured: unknown;
  readonly isError: boolean;
}

/** How a server is spoken to, as it was found out: another session needs no probe. */
export type KnownEra = Readonly<{ transport: 'http' | 'sse'; prior: unknown }>;

/** An open session with a server. */
export interface McpSession {
  readonly era: KnownEra;
  /** All its tools. */
  list(signal: AbortSignal): Promise<ServerTool[]>;
  /** Calls a tool. Rejects where there is no result. */
  call(
    tool: ServerTool,
    args: JsonObject,
    signal: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<CallResult>;
  /** Whether an error says that the server knows it no more, and so has not done what was asked. */
  isLost(error: unknown): boolean;
  /** Whether its connection has ended: nothing can be asked of it any more. */
  isClosed(): boolean;
  /** Ends it, at the server too. Never rejects. */
  end(): Promise<void>;
}

/** Opens a session with a server; one that is `known` is spoken to as it was before. */
export type OpenSession = (server: McpServer, known: KnownEra | undefined, signal: AbortSignal) => Promise<McpSession>;

/** A server that is used in one turn: one session for all that is asked of it, opened when something is. */
export class SharedSession {
  readonly #open: (signal: AbortSignal) => Promise<McpSession>;
  readonly #forget: () => void;
  #session: Promise<McpSession> | undefined;
  readonly #gone: McpSession[] = [];

  /** `forget` is called when the server has turned out to be another than it was. */
  constructor(open: (signal: AbortSignal) => Promise<McpSession>, forget: () => void) {
    this.#open = open;
    this.#forget = forget;
  }

  /** Does something with the session; once more with another one if the server has lost it, and so has not done it. */
  async use<T>(signal: AbortSignal, task: (session: McpSession) => Promise<T>): Promise<T> {
    const session = this.#opened(signal);
    const open = await session;
    if (open.isClosed()) return task(await this.#another(session, open, signal));
    try {
      return await task(open);
    } catch (error) {
      if (signal.aborted || !open.isLost(error)) throw error;
      this.#forget();
      return task(await this.#another(session, open, signal));
    }
  }

  /** Ends the session, if there is one, and those before it: other calls may have used them to their end. */
  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    const current = session?.then(
      (open) => open.end(),
      () => {}, // one that never came to be needs no end
    );
    await Promise.all([current, ...this.#gone.splice(0).map((open) => open.end())]);
  }

  #opened(signal: AbortSignal): Promise<McpSession> {
    const opening = this.#session ?? this.#open(signal);
    this.#session = opening;
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined;
    });
    return opening;
  }

  /** The session after one of which no more can be had. */
  #another(gone: Promise<McpSession>, open: McpSession, signal: AbortSignal): Promise<McpSession> {
    if (this.#session === gone) {
      this.#session = undefined;
      this.#gone.push(open);
    }
    return this.#opened(signal);
  }
}
