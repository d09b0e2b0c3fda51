import { asker, type Language } from './ask.ts';
import { Connection } from './connection.ts';
import { now, type Seen } from './seen.ts';
import { median } from './statistics.ts';
import type { Shape } from './text.ts';

/** Which doors to try, how often each, and the shape of the replies. */
export interface FirstEvents {
  mock: number;
  doors: Readonly<Record<string, number>>;
  shape: Shape;
  times: number;
}

/** Medians in ms, the model's own time to think left out. */
export interface FirstEvent {
  /** From the request to `response.created`; of the mock itself, to its first chunk. */
  created: number;
  /** From the request to the first text delta. */
  delta: number;
}

/** Times first events on one connection a door, door by door in turn; `mock` is the model called directly. */
export async function timeFirstEvents({ mock, doors, shape, times }: FirstEvents): Promise<Record<string, FirstEvent>> {
  const noted = { ...shape, noted: true };
  const notes = await Connection.open(mock);
  const subjects: Subject[] = [await open('mock', mock, 'chat stream', noted)];
  for (const [name, port] of Object.entries(doors)) {
    subjects.push(await open(name, port, 'responses stream', noted));
  }
  for (let n = 0; n < times; n++) {
    for (const subject of subjects) await timeOne(subject, notes);
  }
  for (const { connection } of subjects) connection.close();
  notes.close();
  const medians = ({ name, created, delta }: Subject) => [name, { created: median(created), delta: median(delta) }];
  return Object.fromEntries(subjects.map(medians));
}

interface Subject {
  name: string;
  connection: Connection;
  next: ReturnType<typeof asker>;
  /** What the body holds once the event is there. */
  marks: { created: string; delta: string };
  created: number[];
  delta: number[];
}

async function open(name: string, port: number, language: Language, shape: Shape): Promise<Subject> {
  const marks =
    language === 'chat stream'
      ? { created: '"content":"', delta: '"content":"' }
      : { created: 'event: response.created\n', delta: 'event: response.output_text.delta\n' };
  return { name, connection: await Connection.open(port), next: asker(language, shape), marks, created: [], delta: [] };
}

async function timeOne({ connection, next, marks, created, delta }: Subject, notes: Connection): Promise<void> {
  const ask = next();
  let first = 0;
  let text = 0;
  const sent = now();
  const answer = await connection.send(ask.request, (body) => {
    if (first === 0 && body.includes(marks.created)) first = now();
    if (text === 0 && body.includes(marks.delta)) text = now();
  });
  ask.check(answer);
  const seen = await seenBy(notes, ask.nonce);
  const thought = seen.wrote - seen.received;
  // `response.created` does not wait for the model, unless the model was faster.
  created.push((first - sent - (first > seen.wrote ? thought : 0)) / 1e6);
  delta.push((text - sent - thought) / 1e6);
}

/** What the mock saw of a call with a nonce. */
export async function seenBy(notes: Connection, nonce: string): Promise<Seen> {
  const { status, body } = await notes.send(`GET /seen/${nonce} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  if (status !== 200) throw new Error('the model was not asked');
  return JSON.parse(body);
}
