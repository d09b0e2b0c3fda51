import type { Caller } from '../caller.ts';
import { ApiError, type ErrorStyle, toApiError, wordOf } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { neverFits, type Reservation } from '../memory-budget.ts';
import { parseClientJson } from '../parse-json.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import { auditRequest, type EndedRequest } from '../service/audit-request.ts';
import { openStore, type RequestContext, requireScope } from '../service/context.ts';
import { beginRequestLog, type RequestLog } from '../service/request-log.ts';
import type { Services } from '../service/services.ts';
import type { Socket } from '../socket.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { type TraceHeaders, traceHeaders } from '../trace-headers.ts';
import { Lanes } from './lanes.ts';
import { ResponseMemory } from './memory.ts';
import { refusal, steerFailed } from './server-events.ts';
import { takeTurn } from './turn.ts';

/** "Going away": clients that open connections by themselves open another. */
const GOING_AWAY = 1001;

/** "Policy violation": clients do not come back by themselves. */
const POLICY_VIOLATION = 1008;

/** The context of the request that opened a connection. */
export interface OpeningContext extends RequestContext {
  /** Identifies its caller again, by some services: a key may have been revoked, or a token may have expired. */
  identify(services: Services): Caller | Promise<Caller>;
}

/** The statuses and codes that the errors of a connection get by some services. */
export type ErrorsBy = (services: Services) => ErrorStyle;

/**
 * Serves a WebSocket until it is closed, and all that was made on it has ended; `ctx` is that of the request that opened it.
 * Each message is of the newest configuration, and a turn stays with that; the times of the connection are those of `services`.
 */
export async function serveSocket(
  socket: Socket,
  services: Services,
  ctx: OpeningContext,
  errorsBy: ErrorsBy,
): Promise<void> {
  await new Connection(socket, services, ctx, errorsBy).serve();
  ctx.log.end();
}

class Connection {
  readonly #socket: Socket;
  /** The services of the request that opened it. */
  readonly #openingServices: Services;
  /** The context of the request that opened it. */
  readonly #openingContext: OpeningContext;
  readonly #errorsBy: ErrorsBy;
  readonly #client = new AbortController();
  readonly #memory: ResponseMemory;
  readonly #lanes: Lanes;
  readonly #names = new Set<string>();
  /** The reservation for text that waits to be read by the client. */
  readonly #waiting: Reservation;
  /** The error that later requests get. */
  #closing: ApiError | undefined;
  #hasLeft = false;
  /** Refused messages in a row. */
  #refusedCount = 0;
  /** Characters of answers not yet read. */
  #unreadLength = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, services: Services, openingContext: OpeningContext, errorsBy: ErrorsBy) {
    this.#socket = socket;
    this.#openingServices = services;
    this.#openingContext = openingContext;
    this.#errorsBy = errorsBy;
    this.#memory = new ResponseMemory(services.limits, services.memory.open());
    this.#waiting = services.memory.open();
    this.#lanes = new Lanes(services.limits.body, () => this.#rest());
  }

  get #services(): Services {
    return this.#openingServices.newest();
  }

  async serve(): Promise<void> {
    const { connection, keepAlive } = this.#openingServices.limits;
    const { stopping, messages } = this.#socket;
    const pings = setInterval(() => this.#socket.ping?.(), keepAlive);
    const life = setTimeout(() => this.#expire(connection), connection);
    const stop = () => this.#close(new ApiError('stopping', 'The server is stopping; open a new connection.'));
    if (stopping?.aborted) stop();
    stopping?.addEventListener('abort', stop);
    this.#rest();
    for await (const message of messages) this.#take(message);
    stopping?.removeEventListener('abort', stop);
    this.#client.abort(new Error('the connection was closed'));
    await this.#lanes.ended();
    this.#memory.close();
    this.#waiting.close();
    clearInterval(pings);
    clearTimeout(life);
    clearTimeout(this.#idle);
  }

  #take(message: unknown): void {
    if (this.#hasLeft) return; // sent before the client heard of it
    clearTimeout(this.#idle);
    let lane: string | undefined;
    const memory = this.#services.memory.open();
    let isQueued = false;
    try {
      const event = this.#read(message, memory);
      if (event.type === 'response.steer') {
        this.#answer(JSON.stringify(steerFailed(event)));
        return;
      }
      if (event.type !== 'response.create') {
        const word = wordOf(event.type);
        throw new ApiError('invalid_value', `type ${word ? `is ${word} and ` : ''}must be response.create`, {
          param: 'type',
        });
      }
      lane = this.#laneOf(event);
      const size = String(message).length;
      isQueued = this.#lanes.add(lane ?? '', size, () => this.#turn(event, lane, memory));
      if (!isQueued) {
        throw new ApiError('too_many_waiting', 'Too many requests wait on this connection; send fewer ahead.');
      }
    } catch (error) {
      this.#refuse(toApiError(error), lane);
    } finally {
      if (!isQueued) memory.close();
      this.#refusedCount = isQueued ? 0 : this.#refusedCount + 1;
      if (this.#refusedCount > fixedLimits.socketRefused)
        this.#leave('Too many messages in a row came to nothing.', POLICY_VIOLATION);
      if (this.#lanes.idle) this.#rest();
    }
  }

  #read(message: unknown, memory: Reservation): JsonObject {
    if (typeof message !== 'string') throw new ApiError('refused', 'A message must be a text, and this one is binary.');
    const { body } = this.#services.limits;
    // A character has at most three bytes in UTF-8.
    if (message.length * 3 > body && new TextEncoder().encode(message).length > body) {
      throw new ApiError(
        'too_large',
        `The message is larger than ${body} bytes (\`limits.body\` in the configuration).`,
      );
    }
    if (neverFits(memory.budget, message.length))
      throw new ApiError(
        'too_large',
        'The message takes more memory than this server may use at a time (`limits.inFlight` in its configuration).',
      );
    memory.takeParsed(message.length);
    const event = parseClientJson(message, 'the JSON of your message');
    if (!isObject(event)) throw new ApiError('invalid_type', 'A message must be an object.');
    return event;
  }

  #laneOf({ stream_id: lane }: JsonObject): string | undefined {
    if (lane == null) return undefined;
    if (typeof lane !== 'string' || !/^[\w.-]{1,256}$/.test(lane)) {
      const message = 'stream_id must be 1 to 256 letters, digits, underscores, dashes or dots';
      throw new ApiError('stream_id', message, { param: 'stream_id' });
    }
    if (!this.#names.has(lane) && this.#names.size >= fixedLimits.lanes) {
      const message = `The connection has ${fixedLimits.lanes} lanes already: use the stream_id of one, or open another connection.`;
      throw new ApiError('stream_limit', message, { param: 'stream_id' });
    }
    this.#names.add(lane);
    return lane;
  }

  async #turn(event: JsonObject, lane: string | undefined, memory: Reservation): Promise<void> {
    if (this.#closing) {
      memory.close();
      return this.#refuse(this.#closing, lane);
    }
    const { ingress, header } = this.#openingContext;
    const services = this.#services;
    const log = this.#log(() => memory.close(), event);
    let caller: Caller;
    let store: TenantStore;
    try {
      caller = await this.#openingContext.identify(services);
      log.caller = caller;
      requireScope(caller, 'write');
      store = openStore(services, caller, memory, log);
    } catch (error) {
      return this.#refuse(toApiError(error), lane, log);
    }
    const ctx: RequestContext = {
      store,
      log,
      signal: this.#client.signal,
      ingress,
      caller,
      header,
      errors: this.#errorsBy(services),
    };
    await takeTurn(event, services, ctx, this.#memory, encodeFor(lane), (text) => this.#send(text));
  }

  #refuse(error: ApiError, lane: string | undefined, log = this.#log()): void {
    log.failure = error;
    this.#answer(encodeFor(lane)(refusal(error, this.#errorsBy(this.#services))));
    log.end();
  }

  /** Answers at once, beside what else is being sent. A client that never reads is disconnected. */
  #answer(text: string): void {
    const full = this.#send(text);
    if (!full || this.#hasLeft) return;
    this.#unreadLength += text.length;
    void full.then(() => {
      this.#unreadLength -= text.length;
    });
    const { limits, memory } = this.#services;
    if (this.#unreadLength > limits.body || memory.free === 0)
      this.#leave('What is sent here is not read.', POLICY_VIOLATION);
  }

  /** Sends a text, which counts as held until it is read by a client that reads slowly. */
  #send(text: string): Promise<void> | undefined {
    const full = this.#socket.send(text);
    if (!full) return undefined;
    this.#waiting.add(text.length);
    return full.then(() => this.#waiting.giveBack(text.length));
  }

  #log(onEnd = () => {}, event: JsonObject = {}): RequestLog {
    const { ingress, log: openingLog } = this.#openingContext;
    const { requestId: connectionId, activity, attributes } = openingLog;
    const incoming = {
      connectionId,
      ingress,
      method: 'response.create',
      path: '/v1/responses',
      attributes,
      telemetry: this.#services.telemetry.current,
      audit: this.#services.audit && ((ended: EndedRequest) => auditRequest(this.#services, ingress, ended)),
      trace: () => traceOf(event) ?? activity?.trace,
    };
    const log = beginRequestLog(incoming, () => 200, onEnd);
    log.route = '/v1/responses';
    log.streaming = true;
    return log;
  }

  /** Nothing runs: closes the connection if it should close, else starts the idle timer. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#closing) this.#end(this.#closing);
    else
      this.#idle = setTimeout(() => this.#leave('The connection was of no use.'), this.#services.limits.connectionIdle);
  }

  #expire(limit: number): void {
    const message = `The connection has been open for ${limit / 1000} s (\`limits.connection\` in the configuration); open a new one to go on.`;
    this.#close(new ApiError('connection_limit', message));
  }

  /** Takes nothing new, and closes when what runs has ended. */
  #close(reason: ApiError): void {
    this.#closing ??= reason;
    if (this.#lanes.idle) this.#rest();
  }

  #end(reason: ApiError): void {
    // As OpenAI does, an idle client gets the error too.
    if (reason.kind === 'connection_limit' && !this.#hasLeft) this.#refuse(reason, undefined);
    this.#leave(reason.message);
  }

  #leave(why: string, code = GOING_AWAY): void {
    this.#hasLeft = true;
    this.#socket.close(code, why);
  }
}

/** The place in a trace that a message of its own has, as Codex sends it, since it has no headers. */
function traceOf({ client_metadata: metadata }: JsonObject): TraceHeaders | undefined {
  if (!isObject(metadata)) return undefined;
  const { ws_request_header_traceparent: parent, ws_request_header_tracestate: state } = metadata;
  return typeof parent === 'string' ? traceHeaders(parent, typeof state === 'string' ? state : null) : undefined;
}

/** Writes events of a lane. */
function encodeFor(lane: string | undefined): (event: object) => string {
  return (event) => JSON.stringify(lane === undefined ? event : { ...event, stream_id: lane });
}
