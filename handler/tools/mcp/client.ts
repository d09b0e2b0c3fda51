import type { Client, StandardSchemaV1, Transport } from '@modelcontextprotocol/client';
import type { FetchLike } from '../../egress/egress.ts';
import { fixedLimits } from '../../limits.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { BadReply, CredentialsRefused, isFallback } from './failure.ts';
import type { ConnectProgram, Programs } from './programs.ts';
import { toResult, toTool } from './replies.ts';
import type { HttpServer, KnownEra, McpSession, OpenSession, ServerTool } from './session.ts';

// Sessions by the official client. It is loaded when the first one is opened.

/** What the official client needs of whoever opens it. */
export interface ClientOptions {
  /** The way to a server. */
  fetchFor(server: HttpServer): FetchLike;
  /** The programs that run. Absent where none can. */
  programs: Programs | undefined;
  /** Milliseconds that a reply may take. */
  timeout: number;
}

type Library = typeof import('@modelcontextprotocol/client');

/** Opens sessions: over streamable HTTP in whichever era the server speaks, else over the older HTTP with SSE. */
export function openSessions(options: ClientOptions): OpenSession {
  return async (server, known, signal) => {
    const library = await import('@modelcontextprotocol/client');
    if ('command' in server) {
      const talk: ConnectProgram = (transport, prior, starting) =>
        beginSession(library, { transport, end: async () => {} }, options, { transport: 'http', prior }, starting);
      if (!options.programs) throw new Error('there are no programs here');
      return options.programs.session(server, talk);
    }
    const over = (transport: KnownEra['transport'], prior: unknown) =>
      beginSession(
        library,
        httpTransport(library, transport, server, refusing(options.fetchFor(server))),
        options,
        { transport, prior },
        signal,
      );
    if (known) {
      try {
        return await over(known.transport, known.prior);
      } catch (error) {
        if (signal.aborted || !isFallback(error)) throw error; // it may speak otherwise by now
      }
    }
    try {
      return await over('http', undefined);
    } catch (error) {
      if (signal.aborted || !isFallback(error)) throw error;
      // What the first one said counts, if the second one says no better.
      return over('sse', undefined).catch(() => Promise.reject(error));
    }
  };
}

interface OpenTransport {
  transport: Transport;
  /** Ends what the server has of it. */
  end(): Promise<void>;
}

function httpTransport(
  library: Library,
  kind: KnownEra['transport'],
  { url, headers }: HttpServer,
  send: FetchLike,
): OpenTransport {
  const requestInit = { headers: { ...headers } };
  if (kind === 'sse') {
    const transport = new library.SSEClientTransport(new URL(url), { requestInit, fetch: send });
    return { transport, end: async () => {} };
  }
  // No stream of what the server says unasked: nobody listens, and each one is a connection.
  const withoutStream: FetchLike = async (to, init) =>
    (init?.method ?? 'GET') === 'GET' ? new Response(null, { status: 405 }) : send(to, init);
  const transport = new library.StreamableHTTPClientTransport(new URL(url), {
    requestInit,
    fetch: withoutStream,
    redirectPolicy: 'follow', // the egress follows, and checks each hop
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
    },
  });
  return { transport, end: () => transport.terminateSession() };
}

/** The same way, on which a server that wants other credentials is an error that says which. */
function refusing(send: FetchLike): FetchLike {
  return async (to, init) => {
    const reply = await send(to, init);
    if (reply.status !== 401 && reply.status !== 403) return reply;
    await reply.body?.cancel();
    throw new CredentialsRefused(reply.status, reply.headers.get('www-authenticate') ?? '');
  };
}

/** A result as it came: what is read of it is checked here. */
const asItCame: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'antiphon', validate: (value) => ({ value }) },
};

async function beginSession(
  { Client }: Library,
  { transport, end }: OpenTransport,
  { timeout }: ClientOptions,
  { transport: kind, prior }: KnownEra,
  signal: AbortSignal,
): Promise<McpSession> {
  const client = new Client(
    { name: 'antiphon', version: '1' },
    {
      versionNegotiation: { mode: 'auto' },
      inputRequired: { autoFulfill: false },
      // Models read results as they are, and a schema of a stranger's is not compiled.
      jsonSchemaValidator: {
        getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
      },
    },
  );
  const close = async () => {
    await within(end()).catch(() => {}); // the server ends it by itself, sooner or later
    await client.close().catch(() => {});
  };
  try {
    await client.connect(transport, { signal, timeout, ...(prior !== undefined && { prior: prior as never }) }); // as `era` gave it
  } catch (error) {
    await close();
    throw error;
  }
  return {
    era: { transport: kind, prior: eraOf(client) },
    list: (listing) => listAll(client, { signal: listing, timeout }),
    async call({ name, inputSchema }, args, calling, headers) {
      const toolDefinition = { name, inputSchema: { ...inputSchema, type: 'object' as const } };
      const options = { signal: calling, timeout, toolDefinition, ...(headers && { headers }) };
      return toResult(await client.callTool({ name, arguments: args }, options));
    },
    end: close,
  };
}

function eraOf(client: Client): unknown {
  const discover = client.getDiscoverResult();
  return discover ? { kind: 'modern', discover } : { kind: 'legacy' };
}

async function listAll(client: Client, options: { signal: AbortSignal; timeout: number }): Promise<ServerTool[]> {
  const tools: ServerTool[] = [];
  let cursor: string | undefined;
  do {
    const params: JsonObject = cursor === undefined ? {} : { cursor };
    const page = await client.request({ method: 'tools/list', params }, asItCame, options);
    const listed = isObject(page) && Array.isArray(page.tools) ? page.tools : undefined;
    if (!listed) throw new BadReply('Its list of tools has no `tools`.');
    for (const tool of listed) tools.push(toTool(tool));
    if (tools.length > fixedLimits.mcpTools) throw new BadReply(`It has more than ${fixedLimits.mcpTools} tools.`);
    const next = isObject(page) ? page.nextCursor : undefined;
    if (typeof next === 'string' && (next === cursor || listed.length === 0))
      throw new BadReply('Its list of tools has no end.');
    cursor = typeof next === 'string' ? next : undefined;
  } while (cursor !== undefined);
  return tools;
}

/** The end of a session is not waited for longer than this, in milliseconds: the turn has ended. */
const END_MS = 2_000;

async function within(ending: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_MS);
  });
  await Promise.race([ending, late]).finally(() => clearTimeout(timer));
}
