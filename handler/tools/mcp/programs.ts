import type { Transport } from '@modelcontextprotocol/client';
import { fixedLimits } from '../../limits.ts';
import { log } from '../../log.ts';
import type { McpSession, StdioServer } from './session.ts';

/** Starts a program that speaks MCP over its input and output. */
export type StartProgram = (server: StdioServer) => Transport;

/** Speaks with a program that was started, as one of this era if that is known. */
export type ConnectProgram = (transport: Transport, prior: unknown, signal: AbortSignal) => Promise<McpSession>;

interface Running {
  session: Promise<McpSession>;
  idle: ReturnType<typeof setTimeout> | undefined;
  /** Turns that use it. */
  users: number;
}

/**
 * The programs of `mcp`. One runs for all turns that use it, from the first on; one that nobody uses for some minutes is ended, and one that has
 * ended is started again when it is needed.
 */
export class Programs {
  readonly #start: StartProgram;
  readonly #running = new Map<string, Running>();
  readonly #eras = new Map<string, unknown>();
  #isClosed = false;

  constructor(start: StartProgram) {
    this.#start = start;
  }

  /** A session with a program. Its end leaves the program to others. */
  async session(server: StdioServer, talk: ConnectProgram): Promise<McpSession> {
    if (this.#isClosed) throw new Error('the programs have been ended');
    const key = JSON.stringify([server.command, server.env]);
    const running = this.#running.get(key) ?? this.#begin(key, server, talk);
    running.users++;
    clearTimeout(running.idle);
    let isHeld = true;
    const leave = () => {
      if (!isHeld) return;
      isHeld = false;
      running.users--;
      if (running.users > 0) return;
      clearTimeout(running.idle);
      running.idle = setTimeout(() => this.#end(key, running), fixedLimits.mcpProgramIdle);
      Object(running.idle).unref?.(); // of Node: a program that nobody uses keeps no process
    };
    try {
      const session = await running.session;
      return { ...session, end: async () => leave() };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Ends all programs, and starts no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#running].map(([key, running]) => this.#end(key, running)));
  }

  #begin(key: string, server: StdioServer, talk: ConnectProgram): Running {
    const running: Running = {
      session: this.#connected(key, server, talk, () => this.#forget(key, running)),
      idle: undefined,
      users: 0,
    };
    this.#running.set(key, running);
    running.session.catch(() => this.#forget(key, running));
    return running;
  }

  async #connected(key: string, server: StdioServer, talk: ConnectProgram, ended: () => void): Promise<McpSession> {
    // Whoever came first may leave: the program is for all.
    const signal = AbortSignal.timeout(fixedLimits.mcpProgramStart);
    const open = async (prior: unknown) => {
      const transport = this.#start(server);
      const session = await talk(transport, prior, signal);
      const before = transport.onclose;
      transport.onclose = () => {
        before?.();
        log.warn('a program of `mcp` has ended', { label: server.label });
        ended();
      };
      this.#eras.set(key, session.era.prior);
      return session;
    };
    if (this.#eras.has(key)) return open(this.#eras.get(key));
    // A program of the older era may end when it is asked for the newer one.
    return open(undefined).catch((error) => (signal.aborted ? Promise.reject(error) : open({ kind: 'legacy' })));
  }

  async #end(key: string, running: Running): Promise<void> {
    this.#forget(key, running);
    await running.session.then(
      (session) => session.end(),
      () => {},
    );
  }

  #forget(key: string, running: Running): void {
    clearTimeout(running.idle);
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
