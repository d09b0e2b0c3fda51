import { chatStream, post } from './ask.ts';
import { checkChatStream, checkResponse, WrongAnswer } from './check.ts';
import { type Answer, Connection } from './connection.ts';
import { seenBy } from './first-event.ts';
import { addMessage } from './seen.ts';
import { newNonce, promptOf, type Shape, tagOf, tailOf } from './text.ts';

/** A conversation of so many turns, each going on from the last by `previous_response_id`. */
export interface Chain {
  mock: number;
  doors: Readonly<Record<string, number>>;
  turns: number;
  /** Of the replies. */
  shape: Shape;
  /** Characters of each prompt. */
  promptLength: number;
}

/** Milliseconds of each turn: at the mock itself, sent the same messages, and through each door. */
export type ChainTimes = Record<string, number[]>;

/** Leads a conversation through each door, turn by turn in turn, and checks that the model saw all of it every time. */
export async function runChains({ mock, doors, turns, shape, promptLength }: Chain): Promise<ChainTimes> {
  const noted = { ...shape, noted: true };
  const notes = await Connection.open(mock);
  const talks: Talk[] = [await direct(mock)];
  for (const [name, port] of Object.entries(doors)) talks.push(await through(name, port));
  const tail = tailOf(shape).join('');
  for (let turn = 1; turn <= turns; turn++) {
    for (let n = 0; n < talks.length; n++) {
      // Each turn begins with another one: none is always the one after the same other.
      const talk = talks[(turn + n) % talks.length];
      if (!talk) continue;
      const nonce = newNonce();
      const prompt = promptOf(tagOf(nonce, noted), promptLength);
      const request = talk.request(prompt);
      const text = nonce + tail;
      const begun = performance.now();
      const answer = await talk.connection.send(request);
      talk.times.push(performance.now() - begun);
      talk.answered(answer, prompt, text);
      const digest = addMessage(talk.digest, 'user', prompt);
      const seen = await seenBy(notes, nonce);
      if (seen.messages !== 2 * turn - 1 || seen.digest !== digest) {
        throw new WrongAnswer(`in turn ${turn} the model saw ${seen.messages} messages, not the conversation`, answer);
      }
      talk.digest = addMessage(digest, 'assistant', text);
    }
  }
  for (const { connection } of talks) connection.close();
  notes.close();
  return Object.fromEntries(talks.map(({ name, times }) => [name, times]));
}

/** One side of the comparison. */
interface Talk {
  name: string;
  connection: Connection;
  times: number[];
  /** Of all messages so far. */
  digest: number;
  request(prompt: string): string;
  /** Checks the answer and remembers what the next request needs. */
  answered(answer: Answer, prompt: string, text: string): void;
}

async function direct(port: number): Promise<Talk> {
  const messages: { role: string; content: string }[] = [];
  return {
    name: 'mock',
    connection: await Connection.open(port),
    times: [],
    digest: 0,
    request: (content) => post('/v1/chat/completions', chatStream([...messages, { role: 'user', content }])),
    answered(answer, prompt, text) {
      checkChatStream(answer, text);
      messages.push({ role: 'user', content: prompt }, { role: 'assistant', content: text });
    },
  };
}

async function through(name: string, port: number): Promise<Talk> {
  let previous: string | undefined;
  return {
    name,
    connection: await Connection.open(port),
    times: [],
    digest: 0,
    request: (input) =>
      post('/v1/responses', { model: 'bench', input, ...(previous && { previous_response_id: previous }) }),
    answered(answer, _prompt, text) {
      checkResponse(answer, text);
      previous = JSON.parse(answer.body).id;
    },
  };
}
