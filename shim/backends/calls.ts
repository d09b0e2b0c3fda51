import { ApiError, type Backend, type ModelCall, type ServerProfile, wordsIn } from '../../handler/index.ts';
import { plain } from './plain.ts';
import type { Exchange } from './record-transport.ts';

/** How long one call may take, in milliseconds. */
const CALL_MS = 10_000;

/** The most characters of what a server said. */
const MAX_WORDS = 300;

/** What is tried, in its order. */
export const TRIALS = ['answer', 'stream', 'tools', 'schema'] as const;

/** A call that is tried. */
export type Trial = (typeof TRIALS)[number];

/** How a trial went. */
export interface Verdict {
  result: 'yes' | 'no' | '-';
  /** Why it is no yes. */
  says?: string;
}

/** A model to try: its backend, opened on a transport that is watched, and its name. */
export interface Subject {
  backend: Backend;
  profile: ServerProfile;
  model: string;
  exchanges: readonly Exchange[];
}

/** What came of one call. */
interface Reply {
  text: string;
  deltas: number;
  called: boolean;
  reason: string | undefined;
}

/** A call that went wrong, in words. */
class CallFailure extends Error {
  /** Whether nothing would come of another call either. */
  readonly isDead: boolean;

  constructor(says: string, isDead = false) {
    super(says);
    this.isDead = isDead;
  }
}

/**
 * Tries a model with real calls, one after the other, each for at most ten seconds. It never rejects. Of a server that does not
 * answer the first one in time, or refuses it whatever it asks for, nothing more is asked.
 */
export async function tryModel(subject: Subject): Promise<Record<Trial, Verdict>> {
  const verdicts: Record<Trial, Verdict> = { answer: SKIPPED, stream: SKIPPED, tools: SKIPPED, schema: SKIPPED };
  for (const trial of TRIALS) {
    try {
      await trials[trial](subject);
      verdicts[trial] = { result: 'yes' };
    } catch (error) {
      if (trial === 'answer' && (await embeds(subject))) return OF_EMBEDDINGS;
      const isNotCarried = error instanceof ApiError && error.kind === 'unsupported';
      const says = plain(error instanceof Error ? error.message : String(error), MAX_WORDS);
      verdicts[trial] = { result: isNotCarried ? '-' : 'no', says };
      if (trial === 'answer' && error instanceof CallFailure && error.isDead) break;
    }
  }
  return verdicts;
}

/** Of what was not tried. */
export const SKIPPED: Verdict = { result: '-' };

/** Of what a model of embeddings has not got. */
const NONE: Verdict = { result: '-', says: 'it is a model of embeddings' };
const OF_EMBEDDINGS: Record<Trial, Verdict> = { answer: NONE, stream: NONE, tools: NONE, schema: NONE };

const EMBEDDINGS = { path: '/embeddings', input: 'input', isChat: false, countsStreams: false, isJson: true };

/** Whether a model that has refused a chat makes embeddings: then nothing is wrong with it. */
async function embeds({ backend, profile, model, exchanges }: Subject): Promise<boolean> {
  const refused = exchanges.findLast(({ method }) => method === 'POST')?.status ?? 0;
  if (!backend.forward || ![400, 404, 405, 422, 500, 501].includes(refused)) return false;
  try {
    const body = { json: { input: 'Hello.' } };
    const request = backend.forward({ api: EMBEDDINGS, model, body, named: undefined }, profile);
    for await (const event of request.stream(AbortSignal.timeout(CALL_MS), { arrived() {} }))
      if (event.type === 'part') return true;
  } catch {
    // It makes neither, and what it said of the chat is told.
  }
  return false;
}

const trials: Record<Trial, (subject: Subject) => Promise<void>> = {
  async answer(subject) {
    // OpenAI's Responses API takes no fewer tokens.
    await call(subject, { input: says('Say hello.'), max_output_tokens: 16 });
  },
  async stream(subject) {
    const { deltas } = await call(subject, { input: says('Count from 1 to 20.'), max_output_tokens: 256 });
    if (deltas > 1) return;
    const type = subject.exchanges.findLast(({ method }) => method === 'POST')?.header?.('content-type') ?? '';
    throw new CallFailure(deltas === 0 ? 'no text came' : `the text came in one piece (${type || 'no content-type'})`);
  },
  async tools(subject) {
    const asked = {
      input: says('What is the weather in Paris, in celsius? Use the tool.'),
      tools: [WEATHER],
      max_output_tokens: 1_024,
    };
    // Left to the model first: agents ask in this way, and vLLM refuses it where it was not started for it.
    if ((await call(subject, asked)).called) return;
    if ((await call(subject, { ...asked, tool_choice: { type: 'function', name: WEATHER.name } })).called) return;
    throw new CallFailure('it answered without a call, though one was forced');
  },
  async schema(subject) {
    const format = { type: 'json_schema' as const, name: 'check', strict: true, schema: SCHEMA };
    const { text, reason } = await call(subject, {
      input: says('Is water wet? Answer in JSON, such as {"answer": true}.'),
      text: { format, verbosity: null },
      max_output_tokens: 1_024,
    });
    if (isOfSchema(text)) return;
    throw new CallFailure(
      `its answer is not of the schema${reason === 'max_output_tokens' ? ', and was cut' : ''}: ${text.slice(0, MAX_WORDS)}`,
    );
  },
};

const WEATHER = {
  type: 'function' as const,
  name: 'get_weather', // what small models have seen most often
  description: 'The weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
    required: ['city', 'unit'],
    additionalProperties: false,
  },
};

const SCHEMA = {
  type: 'object',
  properties: { answer: { type: 'boolean' } },
  required: ['answer'],
  additionalProperties: false,
};

function isOfSchema(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'answer' in value && typeof value.answer === 'boolean';
  } catch {
    return false;
  }
}

function says(text: string): ModelCall['input'] {
  const content = [{ type: 'input_text' as const, text }];
  return [{ type: 'message', id: 'msg_check', role: 'user', status: 'completed', content }];
}

/** Calls the model as a turn does. Throws a CallFailure in the server's own words, or what `prepare` throws. */
async function call({ backend, profile, model, exchanges }: Subject, members: Partial<ModelCall>): Promise<Reply> {
  const prepared = backend.prepare({ ...PLAIN, model, ...members }, profile);
  const signal = AbortSignal.timeout(CALL_MS);
  const before = exchanges.length;
  const reply: Reply = { text: '', deltas: 0, called: false, reason: undefined };
  try {
    for await (const event of prepared.stream(signal)) {
      if (event.type === 'finish') reply.reason = event.reason;
      if (event.type === 'response.output_text.delta') reply.text += event.delta;
      if (/_text\.delta$|refusal\.delta$/.test(event.type)) reply.deltas++;
      if (event.type === 'response.output_item.done' && event.item.type === 'function_call') reply.called = true;
    }
  } catch (error) {
    const sent = exchanges.slice(before).filter(({ method }) => method === 'POST');
    throw failureOf(error, sent.at(-1), signal.aborted, reply);
  }
  if (reply.reason === undefined) throw new CallFailure('the stream ends before its answer does');
  if (reply.reason === 'content_filter') throw new CallFailure('the answer was filtered');
  return reply;
}

function failureOf(error: unknown, sent: Exchange | undefined, isLate: boolean, { deltas }: Reply): CallFailure {
  if (isLate) {
    const far = sent?.status === undefined ? 'no answer' : deltas > 0 ? 'its answer had not ended' : 'no text';
    return new CallFailure(`${far} after ${CALL_MS / 1_000} s`, deltas === 0);
  }
  if (sent?.status !== undefined && sent.status !== 200) {
    const words = plain(wordsIn(sent.start) || sent.start, MAX_WORDS);
    return new CallFailure(
      `${sent.status}${words && `: ${words}`}${cureFor(words)}`,
      NOTHING_ELSE.includes(sent.status),
    );
  }
  return new CallFailure(error instanceof ApiError ? error.told : String(error), sent?.status === undefined);
}

/** Statuses that any other call gets as well. */
const NOTHING_ELSE = [401, 402, 403, 404];

/** What to do about a refusal that says it in another place than the configuration. */
function cureFor(words: string): string {
  if (/enable-auto-tool-choice/.test(words))
    return '; start vLLM with --enable-auto-tool-choice and --tool-call-parser';
  return '';
}

/** A call with the API's defaults. */
const PLAIN: ModelCall = {
  model: '',
  instructions: null,
  input: [],
  tools: [],
  params: new Map(),
  tool_choice: 'auto',
  parallel_tool_calls: null,
  temperature: null,
  top_p: null,
  presence_penalty: null,
  frequency_penalty: null,
  max_output_tokens: null,
  truncation: null,
  text: { format: { type: 'text' }, verbosity: null },
  top_logprobs: null,
  reasoning: { effort: null, summary: null },
  hints: {
    user: null,
    safety_identifier: null,
    prompt_cache_key: null,
    prompt_cache_options: null,
    prompt_cache_retention: null,
    service_tier: null,
  },
};
