import type { Client, StandardSchemaV1, Transport } from '@modelcontextprotocol/client';
import type { FetchLike } from '../../egress/egress.ts';
import { fixedLimits } from '../../limits.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { BrokenReplies, withBoundedReplies } from './bounded-reply.ts';
import { BadReply, isFallback, isLost } from './failure.ts';
import { httpTransport, type OpenTransport } from './http-transport.ts';
import type { ConnectProgram, Programs } from './programs.ts';
import { toResult, toTool } from './replies.ts';
import type { HttpServer, KnownEra, McpSession, OpenSession, ServerTool } from './session.ts';

// Sessions by the official client. It is loaded when the first one is opened.

/** What the official client needs of whoever opens it. */
export interface ClientOptions {
  /** The way to a server, over which a stream of the older HTTP may be silent for as long as its session lasts. */
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
        beginSession(
          library,
          { transport, end: async () => {}, failureOf: (error) => error, broken: new BrokenReplies() },
          options,
          { transport: 'http', prior },
          starting,
        );
      if (!options.programs) throw new Error('there are no programs here');
      return options.programs.session(server, talk);
    }
    const over = (transport: KnownEra['transport'], prior: unknown) => {
      const broken = new BrokenReplies();
      const send = withBoundedReplies(options.fetchFor(server), broken);
      const opened = { ...httpTransport(library, transport, server, send), broken };
      return beginSession(library, opened, options, { transport, prior }, signal);
    };
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

/** A result as it came: what is read of it is checked here. */
const asItCame: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'antiphon', validate: (value) => ({ value }) },
};

async function beginSession(
  { Client, SseError }: Library,
  { transport, end, failureOf, broken }: OpenTransport & { broken: BrokenReplies },
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
  let isClosed = false;
  client.onclose = () => {
    isClosed = true;
  };
  client.onerror = (error) => {
    // The stream of the older HTTP has ended. By itself it would begin anew, as a session of which the client knows nothing, and soon: it says so first.
    if (error instanceof SseError) queueMicrotask(() => void client.close());
  };
  answerAFew(transport);
  const close = async () => {
    await end().catch(() => {}); // the server ends it by itself, sooner or later
    await client.close().catch(() => {});
  };
  // A transport that starts, and a first question, heed no signal.
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave);
  try {
    const known = prior !== undefined && { prior: prior as never }; // as `era` gave it
    await broken.orFails(Promise.race([client.connect(transport, { signal, timeout, ...known }), left.promise]));
  } catch (error) {
    await transport.close().catch(() => {});
    await close();
    throw failureOf(error);
  } finally {
    signal.removeEventListener('abort', leave);
  }
  return {
    era: { transport: kind, prior: eraOf(client) },
    list: (listing) => broken.orFails(listAll(client, { signal: listing, timeout })),
    async call({ name, inputSchema }, args, calling, headers) {
      const toolDefinition = { name, inputSchema: { ...inputSchema, type: 'object' as const } };
      const options = { signal: calling, timeout, toolDefinition, ...(headers && { headers }) };
      return toResult(await broken.orFails(client.callTool({ name, arguments: args }, options)));
    },
    isLost: (error) => isLost(error, transport.sessionId !== undefined),
    isClosed: () => isClosed,
    end: close,
  };
}

/** What a server asks of its client in one session is answered this often: each answer is a request, and a stream may ask for thousands. */
const MAX_ANSWERS = 100;

/** Has a transport send no more answers than that; what it asks for itself it sends. */
function answerAFew(transport: Transport): void {
  const send = transport.send.bind(transport);
  let answers = 0;
  transport.send = async (message, options) => {
    const isAsked = Array.isArray(message) || 'method' in message;
    if (isAsked || ++answers <= MAX_ANSWERS) await send(message, options);
  };
}

function eraOf(client: Client): unknown {
  const discover = client.getDiscoverResult();
  return discover ? { kind: 'modern', discover } : { kind: 'legacy' };
}

async function listAll(client: Client, options: { signal: AbortSignal; timeout: number }): Promise<ServerTool[]> {
  const tools: ServerTool[] = [];
  let cursor: string | undefined;
  let size = 0;
  do {
    const params: JsonObject = cursor === undefined ? {} : { cursor };
    const page = await client.request({ method: 'tools/list', params }, asItCame, options);
    const listed = isObject(page) && Array.isArray(page.tools) ? page.tools : undefined;
    if (!listed) throw new BadReply('Its list of tools has no `tools`.');
    if (tools.length + listed.length > fixedLimits.mcpTools)
      throw new BadReply(`It has more than ${fixedLimits.mcpTools} tools.`);
    for (const one of listed) {
      const tool = toTool(one);
      size += JSON.stringify(tool).length;
      if (size > fixedLimits.mcpList)
        throw new BadReply(`Its list of tools is larger than ${fixedLimits.mcpList} characters.`);
      tools.push(tool);
    }
    const next = isObject(page) ? page.nextCursor : undefined;
    if (typeof next === 'string' && (next === cursor || listed.length === 0))
      throw new BadReply('Its list of tools has no end.');
    cursor = typeof next === 'string' ? next : undefined;
  } while (cursor !== undefined);
  return tools;
}
