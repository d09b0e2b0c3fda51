import { check } from '../../contract.ts';
import type { ResponseEvent } from '../../events/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Response as ResponseObject } from '../../protocol/response.ts';
import type { Tool } from '../tool.ts';
import type { ToldCall } from './calls.ts';

/** A tool under test, in a handler that has it. */
export interface ToolSubject {
  tool: Tool;
  /** The entry of `tools` by which requests name it. */
  entry: JsonObject;
  /** The handler: with the tool, a database, and these models. */
  fetch(request: Request): Promise<Response>;
  /** A model that calls a function of the tool, if it is offered, and answers after its output. */
  model: string;
  /** A text of that output that must be in a later request. */
  result: string;
  /** A model that calls a function which runs until it is aborted; null if the tool has none. */
  waits: string | null;
  /** A model that calls that function twice in one reply, if it is offered, and answers after its outputs. Default: it is not tried. */
  twice?: string;
  /** Texts of the entry that nobody may see but the tool. Default: there are none. */
  secrets?: readonly string[];
  /** An input by which a client approves a call of that function, and a model that calls nothing. Default: it asks for no approval. */
  approval?: { input: readonly object[]; model: string };
  /** Resolves when that function runs, and when nothing that was opened is open any more. */
  running(): Promise<void>;
  closed(): Promise<void>;
  /** How often the tool has been opened. */
  opened(): number;
  /** The bodies that a model's server has got, in their order. */
  sent(model: string): readonly unknown[];
  /** The calls in such a body. Default: it is read as Chat Completions, the Responses API and the Messages API have them. */
  callsIn?(body: unknown): readonly ToldCall[];
  close(): Promise<void>;
}

/** Asks for a turn with the tool. */
export function ask(subject: ToolSubject, body: object, init: RequestInit = {}): Promise<Response> {
  const whole = { model: subject.model, input: 'Go', tools: [subject.entry], ...body };
  return send(subject, 'POST', '/v1/responses', whole, init);
}

/** Sends a request. */
export function send(
  { fetch }: ToolSubject,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  init: RequestInit = {},
): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...init.headers };
  const sent = { ...init, method, headers, ...(body && { body: JSON.stringify(body) }) };
  return fetch(new Request(`http://contract.test${path}`, sent));
}

/** The JSON of a reply that is to be good; it is what its caller says. */
export async function jsonOf<T = ResponseObject>(reply: Response | Promise<Response>): Promise<T> {
  const { status, ok, text } = await readText(reply);
  check(ok, `a request came to ${status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T; // what the API says of this reply
}

/** The events of a stream that is to be good. */
export async function eventsOf(reply: Response | Promise<Response>): Promise<ResponseEvent[]> {
  const { status, ok, text } = await readText(reply);
  check(ok, `a stream came to ${status}: ${text.slice(0, 500)}`);
  const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)));
}

async function readText(reply: Response | Promise<Response>) {
  const { status, ok } = await reply;
  return { status, ok, text: await (await reply).text() };
}

/** A turn that is to end well. */
export async function completed(reply: Response | Promise<Response>): Promise<ResponseObject> {
  const response = await jsonOf(reply);
  check(response.status === 'completed', `a turn has ${response.status}: ${response.error?.message}`);
  return response;
}
