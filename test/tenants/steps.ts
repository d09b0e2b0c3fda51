import fc from 'fast-check';
import type { Step } from './compare.ts';
import { type Operation, type OperationKind, operations } from './operations.ts';
import type { Who } from './world.ts';

const kinds = Object.keys(operations) as OperationKind[]; // of the table

const operation = (who: Who): fc.Arbitrary<Operation> =>
  fc.record({
    who: fc.constant(who),
    kind: fc.constantFrom(...kinds),
    other: fc.boolean(),
    n: fc.nat(7),
    m: fc.nat(7),
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(operation('a')) },
  { weight: 3, arbitrary: fc.tuple(operation('b')) },
  { weight: 3, arbitrary: fc.tuple(operation('a'), operation('b')) },
  {
    weight: 1,
    arbitrary: fc.record({ sweep: fc.constantFrom('deleted', 'logs', 'conversations', 'expired' as const) }),
  },
);

/** Any things that two do, in any order and at once. */
export const steps = fc.array(step, { minLength: 5, maxLength: 25 });

/** What makes things, what reads and uses them, and what ends them: in this order each finds something. */
const order: readonly OperationKind[] = [
  ...([
    'newConversation',
    'create',
    'call',
    'answer',
    'named',
    'keyed',
    'newConversation',
    'converse',
    'continue',
  ] as const),
  ...([
    'addItems',
    'compactWithin',
    'refer',
    'reveal',
    'prompt',
    'hold',
    'get',
    'keyed',
    'converse',
    'listItems',
  ] as const),
  ...([
    'release',
    'resume',
    'inputItems',
    'getItem',
    'count',
    'compact',
    'continue',
    'hold',
    'cancel',
    'create',
  ] as const),
  ...([
    'leave',
    'getConversation',
    'changeConversation',
    'deleteItem',
    'head',
    'delete',
    'deleteConversation',
  ] as const),
  ...(['listItems', 'inputItems', 'resume', 'get', 'continue', 'converse', 'keyed'] as const),
  ...(['socket', 'socket', 'hangUp', 'socket', 'listResponses', 'listConversations', 'listResponses'] as const),
];

/** Numbers that are the same in every run, and seem to be any. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function inRounds(rounds: number, seed: number): Step[] {
  const next = numbers(seed);
  const made: Step[] = [];
  const one = (who: Who, kind: OperationKind, other: boolean): Operation => {
    return { who, kind, other, n: next(24), m: next(8) };
  };
  for (let round = 0; round < rounds; round++) {
    for (const kind of order) {
      const other = round % 3 === 2;
      // What one alone does is what the other must not see; what both do at once has the same ids.
      if (next(3) > 0) made.push([one('a', kind, other)]);
      if (next(3) > 0) made.push([one('b', kind, other)]);
      if (next(2) > 0) made.push([one('a', kind, next(4) === 0), one('b', kind, next(4) === 0)]);
    }
    made.push([one('a', 'large', false)], [{ ...one('b', 'large', false), m: 3 }], { sweep: 'deleted' });
  }
  for (const sweep of ['logs', 'conversations', 'deleted', 'expired'] as const) {
    made.push({ sweep });
    for (const kind of ['get', 'resume', 'listItems', 'converse', 'continue', 'create'] as const)
      made.push([one('a', kind, false), one('b', kind, false)]);
  }
  return made;
}

/** All that there is to do, by both and to both, in many of its ways: the same steps in every run. */
export const everything: readonly Step[] = inRounds(5, 1);

/** Fewer of them, for doors that take longer. */
export const some: readonly Step[] = inRounds(2, 3);
