import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendEvent } from '../handler/backend/backend.ts';
import { ItemWriter } from '../handler/events/item-writer.ts';
import type { Item } from '../handler/items/item.ts';
import { defaultLimits } from '../handler/limits.ts';
import { makeSecret, sealWith } from '../handler/seal.ts';
import type { History } from '../handler/turn/history.ts';
import { type PlanOptions, planTurn } from '../handler/turn/plan.ts';
import { unrecorded } from '../handler/turn/record.ts';
import type { ResolvedRequest } from '../handler/turn/request.ts';
import { runTurn, type Turn } from '../handler/turn/turn.ts';
import { testTool } from './support/test-tool.ts';

const SEALED = 'antiphon.2.main.iv.sealed';

const user = (id: string, text: string): Item => ({
  type: 'message',
  id,
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text }],
});

const items: Item[] = [
  user('msg_1', 'Begin.'),
  { type: 'compaction', id: 'cmp_1', encrypted_content: SEALED },
  {
    type: 'reasoning',
    id: 'rs_1',
    status: 'completed',
    summary: [],
    content: [{ type: 'reasoning_text', text: 'Hm.' }],
  },
  { type: 'function_call', id: 'fc_1', status: 'completed', call_id: 'call_1', name: 'f', arguments: '{}' },
];

const history: History = {
  items,
  previous: 'resp_0',
  conversation: null,
  summaries: new Map([[SEALED, { text: 'We began.', instructions: [{ role: 'developer', content: [] }] }]]),
};

const request: ResolvedRequest = {
  model: 'm',
  prompted: 0,
  instructions: 'Be brief.',
  input: [
    { type: 'function_call_output', call_id: 'call_1', output: 'done' },
    { type: 'additional_tools', role: 'developer', tools: [{ type: 'function', name: 'added' }] },
    { type: 'message', role: 'user', content: 'Go on.' },
  ],
  tools: [
    { type: 'function', name: 'f', parameters: { type: 'object' } },
    { type: 'function', name: 'later', defer_loading: true },
    { type: 'tool_search' },
    { type: 'test_tool' },
  ],
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'tool_search' }] },
  truncation: 'auto',
  reasoning: { effort: 'low', context: 'current_turn' },
  prompt_cache_options: { mode: 'explicit', ttl: null },
  context_management: [{ type: 'compaction', compact_threshold: 1_000_000 }],
  include: ['reasoning.encrypted_content'],
};

const means: PlanOptions = {
  tools: { registered: new Map([['test_tool', testTool]]), dropped: new Set(['web_search']) },
  caller: { id: 'caller' },
  limits: defaultLimits,
  context: 100_000,
};

/** A plan as one text, but for new ids and the time. */
function textOf(plan: Turn): string {
  const text = JSON.stringify(plan, (name, value) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    if (typeof value === 'function') return String(value);
    return name === 'created_at' ? null : value;
  });
  const kept = new Set(JSON.stringify([items, request, resumed]).match(/"\w+?_\w+"/g));
  return text.replace(/"(\w+?)_\w{20,}"/g, (id, prefix) => (kept.has(id) ? id : prefix));
}

/** Freezes all that can be reached from a value; a Map or a Set refuses to be changed. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map || value instanceof Set) {
    const refuse = () => assert.fail('changed what it was given');
    for (const member of [...value.keys(), ...value.values()]) frozen(member);
    Object.assign(value, { set: refuse, add: refuse, delete: refuse, clear: refuse });
  }
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

const resumed: NonNullable<History['resumed']> = {
  response: {
    ...planTurn(request, history, means).response,
    id: 'resp_1',
    output: [{ type: 'compaction', id: 'cmp_2', encrypted_content: SEALED }],
  },
  newItems: [user('msg_2', 'What a tool said.')],
  round: 2,
  usage: null,
  calls: 1,
  citations: [],
  number: 7,
  inProgress: true,
};

const cases: Record<string, { request?: Partial<ResolvedRequest>; history?: Partial<History> }> = {
  'of many parts': {},
  'in the background': { request: { background: true } },
  'that sums up': { request: { compacts: true } },
  'that warms up': { request: { generate: false } },
  'without a past': { request: { input: 'Hello.' }, history: { items: [], previous: null } },
  'that goes on': { history: { resumed } },
};

for (const [name, { request: more, history: before }] of Object.entries(cases)) {
  test(`a turn ${name} is planned alike from the same, which stays as it is`, () => {
    const given = frozen([{ ...request, ...more }, { ...history, ...before }, means] as const);
    const [first, second] = [planTurn(...given), planTurn(...given)];
    assert.equal(textOf(first), textOf(second));
    assert.ok(!first.call.input.some(({ type }) => type === 'compaction'), 'nothing is left to be opened');
  });

  test(`a turn ${name} runs as it was planned, and changes nothing of that`, async () => {
    const plan = frozen(planTurn({ ...request, ...more }, { ...history, ...before }, means));
    const seal = sealWith([makeSecret('test')])('tenant');
    const run = {
      prepare: () => ({ stream: says }),
      limits: { ...defaultLimits, rounds: 4 },
      record: unrecorded,
      seal,
      waiting() {},
      observe() {},
    };
    const types: string[] = [];
    for await (const { type } of runTurn(plan, run, new AbortController().signal)) types.push(type);
    assert.equal(types.at(-1), 'response.completed');
  });
}

async function* says(): AsyncGenerator<BackendEvent> {
  const writer = new ItemWriter();
  writer.text('So it is.');
  writer.close('completed');
  yield* writer.take();
  yield { type: 'finish', reason: 'stop', usage: null };
}
