import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { addMessage, now, type Seen } from './seen.ts';
import { findTag, readShape, type Shape, tailOf } from './text.ts';

/** What the mock remembers of a call, in ns of the clock that all processes of a machine share. */
interface Note {
  received: number;
  wrote: number;
  body: Buffer;
}

/** Replies of one shape but for the nonce. */
interface Prepared {
  shape: Shape;
  /** The chunks after the first, as they go over the wire. */
  rest: string[];
  whole: string;
  text: string;
}

const USAGE = { prompt_tokens: 30, completion_tokens: 20, total_tokens: 50 };
const STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
const JSON_TYPE = { 'content-type': 'application/json' };

const prepared = new Map<string, Prepared>();
const notes = new Map<string, Note>();

function prepare(text: string): Prepared {
  const known = prepared.get(text);
  if (known) return known;
  const shape = readShape(text);
  const tail = tailOf(shape);
  const rest = [...tail.map((content) => chunk([choice({ content })])), chunk([choice({}, 'stop')])];
  rest.push(chunk([], USAGE), 'data: [DONE]\n\n');
  const made = { shape, rest, whole: rest.join(''), text: tail.join('') };
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

const [FIRST = '', FIRST_END = ''] = chunk([choice({ role: 'assistant', content: '|' })]).split('|');

function answer(body: Buffer, res: ServerResponse): void {
  const received = now();
  const { nonce, shape } = findTag(body);
  const reply = prepare(shape);
  const note = reply.shape.noted ? { received, wrote: 0, body } : undefined;
  if (note) notes.set(nonce, note);
  const speak = () => {
    if (note) note.wrote = now();
    if (body.lastIndexOf('"stream":true') < 0) return whole(nonce, reply, res);
    res.writeHead(200, STREAM);
    const first = FIRST + nonce + FIRST_END;
    if (reply.shape.apart) drip(res, [first, ...reply.rest], 0);
    else res.end(first + reply.whole);
  };
  if (reply.shape.think > 0) setTimeout(speak, reply.shape.think);
  else speak();
}

function whole(nonce: string, { text }: Prepared, res: ServerResponse): void {
  const choices = [{ index: 0, message: { role: 'assistant', content: nonce + text }, finish_reason: 'stop' }];
  const members = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'bench', choices, usage: USAGE };
  send(res, members);
}

/** One write for each chunk: within one tick Node would join them. */
function drip(res: ServerResponse, chunks: string[], at: number): void {
  if (at === chunks.length - 1) res.end(chunks[at]);
  else {
    res.write(chunks[at]);
    setImmediate(drip, res, chunks, at + 1);
  }
}

function tell(url: string, res: ServerResponse): void {
  const nonce = url.slice(url.lastIndexOf('/') + 1);
  const note = notes.get(nonce);
  notes.delete(nonce);
  if (!note) return void res.writeHead(404).end();
  const { messages }: { messages: { role: string; content: string }[] } = JSON.parse(note.body.toString());
  const digest = messages.reduce((so, { role, content }) => addMessage(so, role, content), 0);
  const { received, wrote } = note;
  const seen: Seen = { received, wrote, messages: messages.length, digest };
  send(res, seen);
}

function send(res: ServerResponse, value: object): void {
  const body = JSON.stringify(value);
  res.writeHead(200, { ...JSON_TYPE, 'content-length': body.length }).end(body);
}

function serve(req: IncomingMessage, res: ServerResponse): void {
  const parts: Buffer[] = [];
  req.on('data', (part: Buffer) => parts.push(part));
  req.on('end', () => {
    if (req.method === 'GET') return tell(req.url ?? '', res);
    const [only] = parts;
    answer(parts.length === 1 && only ? only : Buffer.concat(parts), res);
  });
}

const port = Number(process.argv[2]);
createServer({ keepAliveTimeout: 75_000 }, serve).listen(port, '127.0.0.1', () => process.send?.('ready'));
