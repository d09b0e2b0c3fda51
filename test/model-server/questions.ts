import type OpenAI from 'openai';

/** A request's body without its model. */
export type Body = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'model' | 'stream'>;

/** What is asked of the server itself and through the product alike: a body with the few kinds of items that are needed. */
export interface Question extends Body {
  input: string | QuestionItem[];
}

/** An item of a question. */
export type QuestionItem =
  | { type: 'message'; role: 'user'; content: string | Part[] }
  | { type: 'function_call'; call_id: string; name: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string };

type Part = { type: 'input_text'; text: string } | { type: 'input_image'; detail: 'auto'; image_url: string };

/** Asks for little. */
export const plain: Question = { input: 'Say hello in one short sentence.' };

/** Asks for something to think about. */
export const riddle: Question = { input: 'Which is more, 17 + 54 or 8 * 9? Think first.' };

const text = (name: string, schema: Record<string, unknown>): OpenAI.Responses.ResponseTextConfig => ({
  format: { type: 'json_schema', name, strict: true, schema },
});

const object = (properties: Record<string, unknown>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** A text of one, two, three and four bytes a character, one of two code points, and one of two surrogates. */
export const UNICODE = 'a é e\u0301 日本語 🙂';

/** Asks for JSON of a schema that leaves little to choose. */
export const form: Question = {
  input: 'Fill in the form.',
  text: text('form', object({ greeting: { type: 'string', enum: [UNICODE] }, number: { type: 'integer' } })),
};

/** Whether a text is JSON of the schema that `form` asks for. */
export function isForm(json: string): boolean {
  const value = parsed(json);
  return hasOnly(value, ['greeting', 'number']) && value.greeting === UNICODE && Number.isInteger(value.number);
}

/** Words that are more tokens than any question asks for. */
const WORDS = Array.from({ length: 1000 }, (_, n) => (n % 3 === 0 ? 'left' : 'right')).join(' ');

/** Ask for much: one by a schema that allows nothing else, so that any model obeys where schemas are held, and one kindly. */
export const long: readonly Question[] = [
  { input: 'Fill in the form.', text: text('words', object({ words: { type: 'string', enum: [WORDS] } })) },
  { input: 'Count from one to one thousand in words, one number a line. Do not stop early, leave nothing out.' },
];

const tool = (
  name: string,
  description: string,
  properties: Record<string, unknown>,
): OpenAI.Responses.FunctionTool => ({
  type: 'function',
  name,
  description,
  parameters: object(properties),
  strict: true,
});

/** Asks for what a model has just read, and what a model that reads says. */
export const reading = {
  question: { input: 'The Varda tower is 412 metres tall.\n\nHow tall is the Varda tower?' } satisfies Question,
  answer: '412',
};

/** Functions for the model to call. */
export const tools = [
  tool('get_weather', 'The weather in a city', { city: { type: 'string', enum: ['Paris', 'Rome'] } }),
  tool('get_time', 'The time of day in a city', { city: { type: 'string', enum: ['Paris', 'Rome'] } }),
];

/** Asks for something that the functions know. */
export const weather: Question = {
  input: 'What is the weather in Paris, and what time is it there? Use the functions.',
  tools,
};

/** Asks for a call in so many words. */
export const required: Question = { ...weather, tool_choice: 'required', parallel_tool_calls: false };

/** Whether a call's arguments are JSON of its function's schema. */
export function isCall(call: { name: string; arguments: string }): boolean {
  const value = parsed(call.arguments);
  const known = tools.some(({ name }) => name === call.name);
  return known && hasOnly(value, ['city']) && ['Paris', 'Rome'].includes(String(value.city));
}

/** A turn in which a function was called already. */
export const history: Question = {
  input: [
    { type: 'message', role: 'user', content: 'What is the weather in Paris?' },
    { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' },
    { type: 'function_call_output', call_id: 'call_1', output: '{"sky":"clear","degrees":21}' },
  ],
  tools,
};

/** A picture of one red pixel, and a question about it. */
export const picture: Question = {
  input: [
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'What colour is this?' },
        {
          type: 'input_image',
          detail: 'auto',
          image_url:
            'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
        },
      ],
    },
  ],
};

/** An input far beyond a window, and, where that is unknown, beyond those of most. */
export function tooLong(window = 300_000): Question {
  return { input: 'word '.repeat(3 * window), max_output_tokens: 16 };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function hasOnly<K extends string>(value: unknown, keys: readonly K[]): value is Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).sort().join() === [...keys].sort().join();
}
