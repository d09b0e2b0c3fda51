import fc from 'fast-check';

/** Text as models may send it: any UTF-16, so that characters are cut in two between chunks. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\ud83d', '\ude00', '👩‍👩‍👧', '\u0000', '\u2028', '\n\n', 'data: x', '\ufeff', '"\\'),
  },
);

/** One step of what a model says: text of a kind, or function calls, whose fragments may be mixed. */
export type Step =
  | { kind: 'content' | 'refusal' | 'reasoning' | 'reasoning_content'; deltas: string[] }
  | { kind: 'calls'; calls: { name: string; arguments: string }[]; order: number[]; size: number };

const speech = fc.record({
  kind: fc.constantFrom('content' as const, 'refusal' as const, 'reasoning' as const, 'reasoning_content' as const),
  deltas: fc.array(text, { minLength: 1, maxLength: 5 }),
});

const calls = fc.record({
  kind: fc.constant('calls' as const),
  calls: fc.array(
    fc.record({
      name: fc.stringMatching(/^[a-z_]{1,8}$/),
      arguments: fc.oneof(
        fc.dictionary(text, fc.oneof(text, fc.integer())).map((value) => JSON.stringify(value)),
        fc.constant(''),
      ),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  order: fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }),
  size: fc.integer({ min: 1, max: 9 }),
});

/** How a model call ends: in its own words, or badly. */
export const endings = ['stop', 'tool_calls', 'length', 'content_filter', 'unsaid', 'cut', 'error', 'garbage'] as const;

/** One call of a model, as its server sends it. */
export interface Script {
  steps: Step[];
  ending: (typeof endings)[number];
  usage: boolean;
  newline: '\n' | '\r\n';
}

/** Any script. */
export const script: fc.Arbitrary<Script> = fc.record({
  steps: fc.array(fc.oneof(speech, calls), { maxLength: 6 }),
  ending: fc.constantFrom(...endings),
  usage: fc.boolean(),
  newline: fc.constantFrom('\n', '\r\n'),
});

/** The deltas of a script, in the form of Chat Completions. */
export function deltasOf({ steps }: Script): object[] {
  let index = 0;
  return steps.flatMap((step): object[] => {
    if (step.kind !== 'calls') return step.deltas.map((delta) => ({ [step.kind]: delta }));
    const first = index;
    index += step.calls.length;
    return mixed(step).map(([call, fragment]) => ({ tool_calls: [{ index: first + call, ...fragment }] }));
  });
}

/** Each call begins in its turn; after that the fragments come in the step's own order. */
function mixed({ calls, order, size }: Extract<Step, { kind: 'calls' }>): [number, object][] {
  const begun: [number, object][] = calls.map(({ name }, call) => [
    call,
    { id: `id-${call}`, type: 'function', function: { name } },
  ]);
  const rest = calls.map(({ arguments: text }) => text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []);
  const fragments: [number, object][] = [];
  for (let turn = 0; rest.some((parts) => parts.length > 0); turn++) {
    const wanted = order[turn % order.length] ?? 0;
    const call = rest[wanted]?.length ? wanted : rest.findIndex((parts) => parts.length > 0);
    fragments.push([call, { function: { arguments: rest[call]?.shift() } }]);
  }
  return [...begun, ...fragments];
}

/** The bytes of a script, but for the connection's end. */
export function bytesOf(script: Script, deltas: readonly object[]): string {
  const { ending, newline } = script;
  const chunk = (members: object) => `data: ${JSON.stringify({ id: 'c', model: 'm', ...members })}${newline}${newline}`;
  const said = deltas.map((delta) => chunk({ choices: [{ index: 0, delta, finish_reason: null }] }));
  const done = `data: [DONE]${newline}${newline}`;
  if (ending === 'cut') return said.join('');
  if (ending === 'error') return [...said, chunk({ error: { code: 500, message: 'no more' } }), done].join('');
  if (ending === 'garbage') return [...said, `data: {"choices":[${newline}${newline}`, done].join('');
  if (ending !== 'unsaid') said.push(chunk({ choices: [{ index: 0, delta: {}, finish_reason: ending }] }));
  if (script.usage) {
    said.push(chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }));
  }
  return [...said, done].join('');
}
