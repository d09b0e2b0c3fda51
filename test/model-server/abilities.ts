import { type Answer, askDirectly, type BackendName } from './direct.ts';
import {
  form,
  history,
  isCall,
  isForm,
  long,
  plain,
  type Question,
  reading,
  required,
  riddle,
  tooLong,
  weather,
} from './questions.ts';
import type { Target } from './target.ts';
import { watchWork } from './work.ts';

/** What a test may need of the server and its model beyond an answer. */
export type Ability =
  | 'usage'
  | 'cut answers'
  | 'long answers'
  | 'reasoning'
  | 'calls'
  | 'calls unasked'
  | 'call history'
  | 'reading'
  | 'json schema'
  | 'json object'
  | 'sampling'
  | 'overflow'
  | 'work seen';

/** What was found by asking the server directly. */
export interface Abilities {
  /** Why an ability is missing, in words; those that are there are not. */
  missing: Map<Ability, string>;
  /** A question whose answer is longer than the least that a client may ask for. */
  cut: Question;
  /** A question that is answered at length, and how many tokens its answer had. */
  long: { question: Question; tokens: number };
}

/** The least `max_output_tokens` that the API takes. */
export const LEAST_TOKENS = 16;

/** Statuses of a server that does not know the path. */
const NO_SUCH_PATH = [404, 405, 501];

/** Why the server does not speak a backend's protocol at all; undefined when it does. */
export async function silence(target: Target, backend: BackendName): Promise<string | undefined> {
  const { status, refusal } = await askDirectly(target, backend, plain);
  return NO_SUCH_PATH.includes(status) ? `the server has no such API: ${refusal.slice(0, 100)}` : undefined;
}

/**
 * Asks the server for all that the tests may need. What it can in one protocol is expected of every backend: where its
 * other API falls short, the backend has to make up for it, or a test tells.
 */
export async function probe(target: Target): Promise<Abilities> {
  const missing = new Map<Ability, string>();
  const backend = (await silence(target, 'chat')) ? 'responses' : 'chat';
  const ask = (question: Question) => askDirectly(target, backend, question);
  const need = (ability: Ability, answer: Answer, holds: boolean, why: string) => {
    const said = answer.status === 200 ? why : `the server answers ${answer.refusal.slice(0, 200)}`;
    if (answer.status !== 200 || !holds) missing.set(ability, said);
  };
  const hello = await ask(plain);
  need('usage', hello, hello.usage !== null, 'the server does not count tokens');
  const thought = await ask(riddle);
  need('reasoning', thought, thought.reasoning !== '', 'the server shows no reasoning');

  const call = await ask(required);
  need('calls', call, call.calls.some(isCall), 'the model makes no valid call even with tool_choice "required"');
  const unasked = await ask({ ...weather, parallel_tool_calls: true });
  need('calls unasked', unasked, unasked.calls.length > 0, 'the model calls no function of itself');
  need('call history', await ask(history), true, '');
  const read = await ask(reading.question);
  need('reading', read, read.text.includes(reading.answer), 'the model does not answer from what it reads');

  const filled = await ask(form);
  need('json schema', filled, isForm(filled.text), 'the server does not hold its model to a JSON schema');
  const object = await ask({ ...plain, text: { format: { type: 'json_object' } } });
  need('json object', object, object.cut || isObject(object.text), 'the server does not hold its model to JSON');
  need('sampling', await ask({ ...plain, temperature: 0.5, top_p: 0.9 }), true, '');

  const { status, usage } = await ask(tooLong(target.window));
  if (status === 200)
    missing.set('overflow', `the server answers an input of any length: it read ${usage?.input} tokens`);

  const cut = await first([...long, plain, riddle], async (question) => {
    return (await ask({ ...question, max_output_tokens: LEAST_TOKENS })).cut ? question : undefined;
  });
  if (!cut) missing.set('cut answers', `no answer has more than ${LEAST_TOKENS} tokens`);
  const before = await watchWork(target);
  const longest = await first(long, async (question) => {
    const answer = await ask(question);
    return answer.cut ? { question, tokens: answer.usage?.output ?? target.tokens } : undefined;
  });
  if (!longest) missing.set('long answers', 'the model ends every answer early');
  const after = await watchWork(target);
  if (!before || !after || after.tokens - before.tokens < (longest?.tokens ?? 1)) {
    missing.set('work seen', 'the server has no /metrics that count requests and the tokens that were made');
  }
  return { missing, cut: cut ?? plain, long: longest ?? { question: plain, tokens: 0 } };
}

/** What comes of the first question that something comes of. */
async function first<T>(questions: readonly Question[], attempt: (question: Question) => Promise<T | undefined>) {
  for (const question of questions) {
    const found = await attempt(question);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
