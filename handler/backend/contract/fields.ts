import { type ContractCase, check, contractCase } from '../../contract.ts';
import { ApiError } from '../../errors.ts';
import type { ClientTool, FunctionTool } from '../../protocol/tools.ts';
import type { ModelCall } from '../backend.ts';
import { checkDiffer, outcomeOf } from './outcome.ts';
import { type BackendSubject, functionTool, isRefused, modelCall, prepare, userMessage } from './subject.ts';

// Every field of a call is carried, so that the server is sent something else or the reply is read in another way, or it is
// refused by its name; hints are carried or left out. A field that is not in the table does not compile.

/** Makes the case of a field by its name. */
type Field = (name: string) => ContractCase<BackendSubject>;

const [f, g] = [functionTool('f'), functionTool('g')];
const shapes: FunctionTool[] = [
  { ...f, strict: true },
  { ...f, description: 'Does f.' },
  { ...f, parameters: { type: 'object', properties: { a: { type: 'string' } } } },
];
const two = { tools: [f, g] };
const plain = modelCall();
const text = (members: Partial<ModelCall['text']>) => ({ text: { ...plain.text, ...members } });
const reasoning = (members: Partial<ModelCall['reasoning']>) => ({ reasoning: { ...plain.reasoning, ...members } });
const schema = (required: string) => {
  const properties = { [required]: { type: 'string' } };
  return text({
    format: { type: 'json_schema', name: 's', schema: { type: 'object', properties, required: [required] } },
  });
};

const fields = {
  model: namesModel,
  instructions: matters([{ instructions: 'Be kind.' }, { instructions: 'Be kind and brief.' }]),
  input: matters([{ input: [userMessage('Good day')] }, { input: [userMessage('Good night')] }]),
  tools: matters([{ tools: [f] }, two, ...shapes.map((tool) => ({ tools: [tool] }))], {
    params: new Map([f, ...shapes, g].map((tool) => [tool, `tools[${tool === g ? 1 : 0}]`])),
  }),
  params: placesInErrors,
  tool_choice: matters(
    [
      { tool_choice: 'none' },
      { tool_choice: 'required' },
      { tool_choice: { type: 'function', name: 'f' } },
      { tool_choice: { type: 'function', name: 'g' } },
      { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } },
    ],
    two,
  ),
  parallel_tool_calls: matters([{ parallel_tool_calls: false }], two),
  temperature: matters([{ temperature: 0.25 }, { temperature: 0.5 }]),
  top_p: matters([{ top_p: 0.25 }, { top_p: 0.5 }]),
  presence_penalty: matters([{ presence_penalty: 0.5 }, { presence_penalty: -1 }]),
  frequency_penalty: matters([{ frequency_penalty: 0.5 }, { frequency_penalty: -1 }]),
  max_output_tokens: matters([{ max_output_tokens: 16 }, { max_output_tokens: 17 }]),
  truncation: isTaken({ truncation: 'auto' }),
  text: {
    format: matters([text({ format: { type: 'json_object' } }), schema('a'), schema('b')]),
    verbosity: matters([text({ verbosity: 'low' }), text({ verbosity: 'high' })]),
  } satisfies Record<keyof ModelCall['text'], Field>,
  // Whoever asks for none of the alternatives asks with `include` alone.
  top_logprobs: matters([{ top_logprobs: 0 }, { top_logprobs: 1 }, { top_logprobs: 3 }], {}, ['include']),
  reasoning: {
    effort: matters([reasoning({ effort: 'low' }), reasoning({ effort: 'high' })]),
    summary: matters([reasoning({ summary: 'auto' })]),
    mode: matters([reasoning({ mode: 'pro' })]),
    context: isTaken(reasoning({ context: 'all_turns' })),
  } satisfies Record<keyof ModelCall['reasoning'], Field>,
  hints: {
    user: hint('user', 'u-1', 'u-2'),
    safety_identifier: hint('safety_identifier', 's-1', 's-2'),
    prompt_cache_key: hint('prompt_cache_key', 'k'),
    prompt_cache_options: hint('prompt_cache_options', { ttl: '12h' }),
    prompt_cache_retention: hint('prompt_cache_retention', '24h'),
    service_tier: hint('service_tier', 'priority'),
  } satisfies Record<keyof ModelCall['hints'], Field>,
  values: isTaken({ values: { tenant: 'acme', 'header:x-team': 'blue' } }),
} satisfies Record<keyof ModelCall, Field | Record<string, Field>>;

/** A case for each field of a call. */
export const fieldCases: readonly ContractCase<BackendSubject>[] = Object.entries(fields).flatMap(([name, field]) =>
  typeof field === 'function'
    ? [field(name)]
    : Object.entries(field).map(([member, inner]) => inner(`${name}.${member}`)),
);

/**
 * Tries a field: each value changes the request or the reply, or is refused by the field's name or one of `names`.
 * `beside` is what the call needs for these values.
 */
function matters(
  values: readonly Partial<ModelCall>[],
  beside: Partial<ModelCall> = {},
  names: readonly string[] = [],
): Field {
  return (field) =>
    contractCase(`${field} is carried, or refused by its name`, async (subject) => {
      const base = { ...subject.talkative, ...beside };
      if (isRefused(subject, base, Object.keys(beside))) return; // with what the values need, all of them are
      const without = await outcomeOf(subject, base);
      check(without === (await outcomeOf(subject, base)), `the same call comes to different things: ${without}`);
      await checkDiffer(subject, base, values, field, [field, ...names], new Set([without]));
    });
}

/** Tries a hint: no value is refused, and each changes the request or the reply, unless the protocol has no place for it. */
function hint<Name extends keyof ModelCall['hints']>(
  name: Name,
  ...values: NonNullable<ModelCall['hints'][Name]>[]
): Field {
  return (field) =>
    contractCase(`${field} is carried or left out, and never refused`, async (subject) => {
      const outcomes = new Set([await outcomeOf(subject, subject.talkative)]);
      for (const value of values) {
        const hints = { ...plain.hints, [name]: value };
        const outcome = await outcomeOf(subject, { ...subject.talkative, hints }).catch((error: unknown) => {
          throw error instanceof ApiError ? new Error(`${field} is refused, which is only a hint: ${error}`) : error;
        });
        if (subject.withoutHints?.includes(name)) continue;
        const broken = `${field} is dropped: ${JSON.stringify(value)} changes nothing, and it is not in withoutHints`;
        check(!outcomes.has(outcome), broken);
        outcomes.add(outcome);
      }
    });
}

/** Tries a field that the input is made by: a server that has no place for it is sent none. */
function isTaken(value: Partial<ModelCall>): Field {
  return (field) =>
    contractCase(`${field} is carried or left out, and never refused`, async (subject) => {
      await outcomeOf(subject, { ...subject.talkative, ...value });
    });
}

/** The server of a call learns which model is meant, wherever the protocol has its name. */
function namesModel(field: string): ContractCase<BackendSubject> {
  return contractCase(`${field} is carried`, async (subject) => {
    const { server, talkative } = subject;
    const names = [talkative.model, 'another', 'one-more'];
    const counts = () => names.map((name) => server?.sent(name).length ?? 0);
    const replies = new Set<string>();
    for (const [at, model] of names.entries()) {
      const before = counts();
      replies.add(await outcomeOf(subject, { ...talkative, model }));
      const got = names.filter((_, place) => counts()[place] !== before[place]);
      const broken = `model is dropped, or \`sent\` does not know it: a call of ${model} came as one of ${got.join(', ') || 'none'}`;
      check(server ? got.length === 1 && got[0] === names[at] : replies.size > at, broken);
    }
  });
}

/** Tool errors name the tool's place in the request. */
function placesInErrors(field: string): ContractCase<BackendSubject> {
  const format = { type: 'grammar', syntax: 'regex', definition: 'a+' } as const;
  const tools: ClientTool[] = [
    { ...f, async: true },
    { type: 'custom', name: 'c', format },
  ];
  return contractCase(`${field} is where a refused tool is said to be`, async (subject) => {
    for (const tool of tools) {
      try {
        prepare(subject, { ...subject.talkative, tools: [tool], params: new Map([[tool, 'tools[7]']]) });
      } catch (error) {
        check(error instanceof ApiError, `a refusal is no ApiError: ${error}`);
        check(error.param?.startsWith('tools[7]'), `${tool.type} is refused at another place, ${error.param}`);
      }
    }
  });
}
