import type { Socket } from 'node:net';
import { addMessage, now, type Seen } from './seen.ts';
import { type Asked, chunked, STREAM_END, STREAM_HEAD, serve, whole } from './serve.ts';
import { findTag, NONCE, readShape, type Shape, tailOf } from './text.ts';

/** What the mock remembers of a call, in ns of the clock that all processes of a machine share. */
interface Note {
  received: number;
  wrote: number;
  body: string;
}

/** Replies of one shape but for the nonce, as they go over the wire. */
interface Prepared {
  shape: Shape;
  /** What is written before and after the nonce: of a stream with its first chunk, and of a whole reply by path. */
  first: Around;
  /** The chunks after the first, and all of them as one. */
  rest: string[];
  atOnce: string;
  json: Readonly<Record<string, Around>>;
}

type Around = readonly string[];

const USAGE = { prompt_tokens: 30, completion_tokens: 20, total_tokens: 50 };
const JSON_TYPE = 'application/json';
const CHAT = '/v1/chat/completions';
const RESPONSES = '/v1/responses';

const prepared = new Map<string, Prepared>();
const notes = new Map<string, Note>();

function prepare(text: string): Prepared {
  const known = prepared.get(text);
  if (known) return known;
  const shape = readShape(text);
  const tail = tailOf(shape);
  const events = [...tail.map((content) => chunk([choice({ content })])), chunk([choice({}, 'stop')])];
  events.push(chunk([], USAGE), 'data: [DONE]\n\n');
  const first = chunk([choice({ role: 'assistant', content: NONCE })]);
  const said = NONCE + tail.join('');
  const json = { [CHAT]: completion(said), [RESPONSES]: response(said) };
  const made: Prepared = {
    shape,
    first: (STREAM_HEAD + chunked(first)).split(NONCE),
    rest: events.map(chunked),
    atOnce: chunked(events.join('')) + STREAM_END,
    json: Object.fromEntries(
      Object.entries(json).map(([path, body]) => [path, whole(JSON_TYPE, JSON.stringify(body)).split(NONCE)]),
    ),
  };
  prepared.set(text, made);
  return made;
}

function chunk(choices: object[], usage?: object): string {
  const members = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices };
  return `data: ${JSON.stringify({ ...members, ...(usage && { usage }) })}\n\n`;
}

function choice(delta: object, finish_reason: string | null = null): object {
  return { index: 0, delta, logprobs: null, finish_reason };
}

function completion(content: string): object {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'bench', choices, usage: USAGE };
}

/** A Response of a model server that has them: for servers that call no other API. Some keep the server's ids. */
function response(text: string): object {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return {
    id: `resp_${NONCE}`,
    object: 'response',
    created_at: 1,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: 'bench',
    output: [{ id: `msg_${NONCE}`, type: 'message', role: 'assistant', status: 'completed', content }],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    background: false,
    max_output_tokens: null,
    previous_response_id: null,
    truncation: 'disabled',
    usage: {
      input_tokens: 30,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 50,
    },
  };
}

function answer({ method, path, body }: Asked, socket: Socket): void {
  if (method === 'GET') {
    send(socket, tell(path));
    return;
  }
  const received = now();
  const { nonce, shape } = findTag(body);
  const reply = prepare(shape);
  const note = reply.shape.noted ? { received, wrote: 0, body } : undefined;
  if (note) notes.set(nonce, note);
  const speak = () => {
    if (note) note.wrote = now();
    if (path !== CHAT || body.lastIndexOf('"stream":true') < 0) {
      send(socket, reply.json[path]?.join(nonce) ?? NOT_FOUND);
      return;
    }
    const first = reply.first.join(nonce);
    if (reply.shape.apart) drip(socket, [first, ...reply.rest, STREAM_END], 0);
    else send(socket, first + reply.atOnce);
  };
  if (reply.shape.think > 0) setTimeout(speak, reply.shape.think);
  else speak();
}

/** One write for each chunk: within one tick Node would join them. */
function drip(socket: Socket, chunks: string[], at: number): void {
  if (at === chunks.length - 2) send(socket, `${chunks[at]}${chunks[at + 1]}`);
  else {
    send(socket, chunks[at] ?? '');
    setImmediate(drip, socket, chunks, at + 1);
  }
}

function tell(path: string): string {
  if (path === '/health') return whole(JSON_TYPE, '{}');
  const nonce = path.slice(path.lastIndexOf('/') + 1);
  const note = notes.get(nonce);
  notes.delete(nonce);
  if (!note) return NOT_FOUND;
  const { messages }: { messages: { role: string; content: string }[] } = JSON.parse(note.body);
  const digest = messages.reduce((so, { role, content }) => addMessage(so, role, content), 0);
  const { received, wrote } = note;
  const seen: Seen = { received, wrote, messages: messages.length, digest };
  return whole(JSON_TYPE, JSON.stringify(seen));
}

const NOT_FOUND = whole(JSON_TYPE, '{}', '404 Not Found');

function send(socket: Socket, text: string): void {
  socket.write(text, 'latin1');
}

serve(Number(process.argv[2]), answer, () => process.send?.('ready'));
