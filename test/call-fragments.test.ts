import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CallArguments } from '../handler/backend/functions/call-arguments.ts';
import { type CallFragment, CallQueue } from '../handler/backend/functions/call-queue.ts';
import { ApiError } from '../handler/errors.ts';
import { ItemWriter } from '../handler/events/item-writer.ts';

/** A fragment, with what it leaves out. */
function piece(members: Partial<CallFragment> = {}): CallFragment {
  return { index: null, id: null, name: null, arguments: '', ...members };
}

/** The calls that come of fragments, by their names and arguments; what is told of each is what its deltas make up. */
function callsOf(fragments: readonly CallFragment[], maxCalls = Number.POSITIVE_INFINITY) {
  const writer = new ItemWriter();
  const queue = new CallQueue(writer, new Map(), maxCalls);
  for (const fragment of fragments) queue.add(fragment);
  queue.end('completed');
  writer.close('completed');
  const events = writer.take();
  return events.flatMap((event) => {
    if (event.type !== 'response.output_item.done' || event.item.type !== 'function_call') return [];
    const { name, arguments: args, call_id } = event.item;
    const deltas = events.flatMap((other) =>
      other.type === 'response.function_call_arguments.delta' && other.output_index === event.output_index
        ? [other.delta]
        : [],
    );
    assert.equal(deltas.join('') || '{}', args);
    return [{ name, args, call_id }];
  });
}

const bare = (fragments: readonly CallFragment[]) => callsOf(fragments).map(({ name, args }) => [name, args]);

const OSLO = '{"city":"Oslo"}';
const BERGEN = '{"city":"Bergen"}';
const both = [
  ['weather', OSLO],
  ['weather', BERGEN],
];

/** Two calls of one function, as servers tell them apart. */
const ways: Record<string, CallFragment[]> = {
  'whole, with ids of their own and the same index': [
    piece({ index: 0, id: 'a', name: 'weather', arguments: OSLO }),
    piece({ index: 0, id: 'b', name: 'weather', arguments: BERGEN }),
  ],
  'whole, with the same index and no ids': [
    piece({ index: 0, name: 'weather', arguments: OSLO }),
    piece({ index: 0, name: 'weather', arguments: BERGEN }),
  ],
  'whole, with neither': [piece({ name: 'weather', arguments: OSLO }), piece({ name: 'weather', arguments: BERGEN })],
  'in pieces, with neither': [
    piece({ name: 'weather' }),
    piece({ arguments: '{"city":' }),
    piece({ arguments: '"Oslo"}' }),
    piece({ name: 'weather' }),
    piece({ arguments: BERGEN }),
  ],
  'in pieces, with ids of their own and the same index': [
    piece({ index: 0, id: 'a', name: 'weather' }),
    piece({ index: 0, arguments: OSLO }),
    piece({ index: 0, id: 'b', name: 'weather' }),
    piece({ index: 0, arguments: BERGEN }),
  ],
  'in pieces, with the same index and no ids': [
    piece({ index: 0, name: 'weather' }),
    piece({ index: 0, arguments: OSLO }),
    piece({ index: 0, name: 'weather' }),
    piece({ index: 0, arguments: '{"city":' }),
    piece({ index: 0, arguments: '"Bergen"}' }),
  ],
  'mixed, with the same index, told apart by their ids': [
    piece({ index: 0, id: 'a', name: 'weather', arguments: '{"city":' }),
    piece({ index: 0, id: 'b', name: 'weather', arguments: '{"city":' }),
    piece({ index: 0, id: 'a', arguments: '"Oslo"}' }),
    piece({ index: 0, id: 'b', arguments: '"Bergen"}' }),
  ],
  'mixed, with the same id, told apart by their indexes': [
    piece({ index: 0, id: 'x', name: 'weather', arguments: '{"city":' }),
    piece({ index: 1, id: 'x', name: 'weather', arguments: '{"city":' }),
    piece({ index: 0, id: 'x', arguments: '"Oslo"}' }),
    piece({ index: 1, arguments: '"Bergen"}' }),
  ],
  'with another id in each fragment': [
    piece({ index: 0, id: 'a1', name: 'weather' }),
    piece({ index: 0, id: 'a2', arguments: '{"city":' }),
    piece({ index: 0, id: 'a3', arguments: '"Oslo"}' }),
    piece({ index: 1, id: 'b1', name: 'weather' }),
    piece({ index: 1, id: 'b2', arguments: BERGEN }),
  ],
  'with the name in each fragment': [
    ...['{"city":', '"Oslo"}', ''].map((args) => piece({ index: 0, id: 'a', name: 'weather', arguments: args })),
    ...['{"city":', '"Bergen"}', ''].map((args) => piece({ index: 1, name: 'weather', arguments: args })),
  ],
  'with an index that counts the fragments': [
    piece({ index: 0, id: 'a', name: 'weather' }),
    piece({ index: 1, id: 'a', arguments: '{"city":' }),
    piece({ index: 2, id: 'a', arguments: '"Oslo"}' }),
    piece({ index: 3, id: 'b', name: 'weather' }),
    piece({ index: 4, arguments: BERGEN }),
  ],
  'with arguments that accumulate': [
    ...['{"ci', '{"city":"Os', OSLO].map((args) => piece({ index: 0, id: 'a', name: 'weather', arguments: args })),
    ...['{', '{"city":', BERGEN, BERGEN].map((args) => piece({ index: 1, id: 'b', arguments: args, name: 'weather' })),
  ],
  'with all arguments once more at the end, in one piece and in several': [
    piece({ index: 0, id: 'a', name: 'weather', arguments: '{"city":' }),
    piece({ index: 0, arguments: '"Oslo"}' }),
    piece({ index: 0, id: 'a', name: 'weather', arguments: OSLO }),
    piece({ index: 1, id: 'b', name: 'weather', arguments: BERGEN }),
    ...['{"city": ', '"Bergen"}'].map((args) => piece({ index: 1, arguments: args })),
  ],
  'with an empty object to begin with': [
    piece({ index: 0, id: 'a', name: 'weather', arguments: '{}' }),
    piece({ index: 0, arguments: OSLO }),
    piece({ index: 1, id: 'b', name: 'weather', arguments: '{}' }),
    piece({ index: 1, arguments: '{"city":' }),
    piece({ index: 1, arguments: '"Bergen"}' }),
  ],
};

for (const [way, fragments] of Object.entries(ways)) {
  test(`two calls are two: ${way}`, () => {
    assert.deepEqual(bare(fragments), both);
    const ids = callsOf(fragments).map(({ call_id }) => call_id);
    assert.equal(new Set(ids).size, 2, 'each has an id of its own');
    assert.deepEqual(
      callsOf(fragments, 1).map(({ args }) => args),
      [OSLO],
      'and the second may be left out',
    );
  });
}

test('calls without arguments are calls, by their ids, their names or their indexes', () => {
  const none = [
    ['f', '{}'],
    ['g', '{}'],
  ];
  const marks: Partial<CallFragment>[][] = [
    [{ index: 0 }, { index: 1 }],
    [
      { index: 0, id: 'a' },
      { index: 0, id: 'b' },
    ],
    [{ index: 0 }, { index: 0 }],
    [{}, {}],
  ];
  for (const [first = {}, second = {}] of marks) {
    assert.deepEqual(bare([piece({ ...first, name: 'f' }), piece({ ...second, name: 'g' })]), none);
  }
});

test('arguments that no call can take are no secret', () => {
  assert.throws(() => bare([piece({ index: 0, arguments: OSLO })]), ApiError, 'without a name');
  const whole = [piece({ index: 0, name: 'f', arguments: OSLO }), piece({ index: 1, name: 'g', arguments: OSLO })];
  assert.throws(() => bare([...whole, piece({ index: 0, arguments: BERGEN })]), ApiError, 'after the next has begun');
  // A brace too many is the model's, and its client's to see.
  assert.deepEqual(bare([piece({ name: 'f', arguments: OSLO }), piece({ arguments: '}' })]), [['f', `${OSLO}}`]]);
  const contradicts = () => new CallArguments().complete(OSLO) && newArguments(OSLO).complete(BERGEN);
  assert.throws(contradicts, ApiError, 'other ones at the end');
});

function newArguments(text: string): CallArguments {
  const args = new CallArguments();
  args.add(text);
  return args;
}

/** Arguments as a model writes them: an object, in which objects like the one around it may stand. */
const value = fc.oneof(
  fc.dictionary(fc.constantFrom('a', 'b', 'node'), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  fc.constantFrom({ node: { node: { node: 1 } } }, { a: [{ a: [{ a: [] }] }] }, { code: '{"code":"{' }),
);

/** A text cut up at some of its characters. */
function cutUp(text: string, at: readonly number[]): string[] {
  const cuts = [...new Set(at.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, index) => text.slice(from, cuts[index] ?? text.length)).filter((part) => part !== '');
}

const styles = ['deltas', 'accumulated', 'whole', 'repeated', 'object first'] as const;
const plan = fc.record({
  calls: fc.array(
    fc.record({
      name: fc.constantFrom('f', 'g'),
      value,
      cuts: fc.array(fc.nat(60), { maxLength: 6 }),
      style: fc.constantFrom(...styles),
      repeatsName: fc.boolean(),
      repeatsId: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  marks: fc.constantFrom('index', 'id', 'both', 'same index', 'same id'),
  order: fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }),
});

test('whatever marks tell calls apart, in whatever order and form their arguments come, each has its own', () => {
  const property = fc.property(plan, ({ calls, marks, order }) => {
    const queues = calls.map(({ name, value, cuts, style, repeatsName, repeatsId }, call) => {
      const index = marks === 'id' ? null : marks === 'same index' ? 0 : call;
      const id = marks === 'index' ? null : marks === 'same id' ? 'x' : `id-${call}`;
      const text = JSON.stringify(value);
      const parts = style === 'whole' ? [text] : cutUp(text, cuts);
      const texts =
        style === 'accumulated'
          ? parts.map((_, end) => parts.slice(0, end + 1).join(''))
          : style === 'repeated'
            ? [...parts, text]
            : style === 'object first'
              ? ['{}', ...parts]
              : parts;
      const [first, ...rest] = texts;
      // A name after whole JSON would begin another call.
      const keepsName = repeatsName && style !== 'object first';
      // An id is all that tells apart calls that share the index, or have none.
      const keepsId = repeatsId || marks === 'id' || marks === 'same index';
      return [
        piece({ index, id, name, arguments: first ?? '' }),
        ...rest.map((args) =>
          piece({ index, id: keepsId ? id : null, name: keepsName ? name : null, arguments: args }),
        ),
      ];
    });
    const expected = calls.map(({ name, value }) => [name, JSON.stringify(value)]);
    // Each begins in its turn, as servers send them; then they may be mixed.
    const fragments = queues.map((queue) => queue.shift() as CallFragment);
    for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
      const wanted = queues[order[turn % order.length] ?? 0];
      const next = (wanted?.length ? wanted : queues.find((queue) => queue.length > 0))?.shift();
      if (next) fragments.push(next);
    }
    assert.deepEqual(bare(fragments), expected);
  });
  fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) });
});
