import { type ContractCase, check, contractCase } from '../../contract.ts';
import { ApiError } from '../../errors.ts';
import type { ClientTool } from '../../protocol/tools.ts';
import type { BackendEvent, ModelCall } from '../backend.ts';
import { type BackendSubject, functionTool, isNamed, isRefused, modelCall, start, userMessage } from './subject.ts';

// Every field of a call is carried, so that the server is sent something else or the reply is read in another way, or it is
// refused by its name. A field that is not in the table does not compile.

/** Makes the case of a field by its name. */
type Field = (name: string) => ContractCase<BackendSubject>;

const [f, g] = [functionTool('f'), functionTool('g')];
const two = { tools: [f, g] };
const plain = modelCall();
const text = (members: Partial<ModelCall['text']>) => ({ text: { ...plain.text, ...members } });
const reasoning = (members: Partial<ModelCall['reasoning']>) => ({ reasoning: { ...plain.reasoning, ...members } });
const hints = (members: Partial<ModelCall['hints']>) => ({ hints: { ...plain.hints, ...members } });
const schema = (required: string) => {
  const properties = { [required]: { type: 'string' } };
  return text({
    format: { type: 'json_schema', name: 's', schema: { type: 'object', properties, required: [required] } },
  });
};

const fields = {
  model: matters([{ model: 'another' }, { model: 'one-more' }]),
  instructions: matters([{ instructions: 'Be kind.' }, { instructions: 'Be kind and brief.' }]),
  input: matters([{ input: [userMessage('Good day')] }, { input: [userMessage('Good night')] }]),
  tools: matters([{ tools: [f] }, two], { params: new Map([f, g].map((tool, at) => [tool, `tools[${at}]`])) }),
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
  max_output_tokens: matters([{ max_output_tokens: 16 }, { max_output_tokens: 17 }]),
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
  } satisfies Record<keyof ModelCall['reasoning'], Field>,
  hints: {
    user: matters([hints({ user: 'u-1' }), hints({ user: 'u-2' })], {}, ['user']),
    safety_identifier: matters([hints({ safety_identifier: 's-1' }), hints({ safety_identifier: 's-2' })], {}, [
      'safety_identifier',
    ]),
    prompt_cache_key: matters([hints({ prompt_cache_key: 'k' })], {}, ['prompt_cache_key']),
    prompt_cache_options: matters([hints({ prompt_cache_options: { ttl: '12h' } })], {}, ['prompt_cache_options']),
    prompt_cache_retention: matters([hints({ prompt_cache_retention: '24h' })], {}, ['prompt_cache_retention']),
    service_tier: matters([hints({ service_tier: 'priority' })], {}, ['service_tier']),
  } satisfies Record<keyof ModelCall['hints'], Field>,
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
      const outcomes = new Set([without]);
      for (const value of values) {
        const described = JSON.stringify(value);
        try {
          const outcome = await outcomeOf(subject, { ...base, ...value });
          check(!outcomes.has(outcome), `${field} is dropped: ${described} changes nothing`);
          outcomes.add(outcome);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          check(isNamed(error, [field, ...names]), `${field} is refused by another name, ${error.param}: ${described}`);
        }
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
  return contractCase(`${field} is where a refused tool is said to be`, async ({ backend, profile, talkative }) => {
    for (const tool of tools) {
      try {
        backend.prepare({ ...talkative, tools: [tool], params: new Map([[tool, 'tools[7]']]) }, profile);
      } catch (error) {
        check(error instanceof ApiError, `a refusal is no ApiError: ${error}`);
        check(error.param?.startsWith('tools[7]'), `${tool.type} is refused at another place, ${error.param}`);
      }
    }
  });
}

/** Members with new values in each reply. */
const GENERATED = ['id', 'item_id', 'call_id'];

/** The requests sent for a call and how its reply is read, as one text. Throws at once if it cannot be prepared. */
async function outcomeOf(subject: BackendSubject, call: ModelCall): Promise<string> {
  const before = subject.server?.sent(call.model).length ?? 0;
  const events: BackendEvent[] = [];
  const streamed = start(subject, call);
  let failure: unknown;
  try {
    for await (const event of streamed) if (event.type !== 'keep_alive') events.push(event);
  } catch (error) {
    check(error instanceof ApiError, `a failure is no ApiError: ${error}`);
    failure = error.kind;
  }
  const requests = subject.server?.sent(call.model).slice(before) ?? null;
  const reply = JSON.stringify(events, (name, value) => (GENERATED.includes(name) ? undefined : value));
  return JSON.stringify({ requests, reply, failure });
}
