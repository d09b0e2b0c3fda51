import fc from 'fast-check';
import type { Step } from './compare.ts';
import { type Operation, type OperationKind, operations } from './operations.ts';
import type { Who } from './world.ts';

// Of the table, but for usage: of a turn that its client has just left it is there a moment later.
const kinds = (Object.keys(operations) as OperationKind[]).filter((kind) => kind !== 'usage');

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

/** Fewer still, for databases that take longer. */
export const few: readonly Step[] = inRounds(1, 3);

const one = (who: Who, kind: OperationKind, n: number, m: number): Operation => ({ who, kind, other: false, n, m });
const onlyA = (kind: OperationKind, n = 0, m = 0): Step => [one('a', kind, n, m)];
const onlyB = (kind: OperationKind, n = 0, m = 0): Step => [one('b', kind, n, m)];
const both = (kind: OperationKind, n = 0, m = 0): Step => [one('a', kind, n, m), one('b', kind, n, m)];
const look: Step = { sweep: 'deleted' };

/** What chance rarely brings about: one of them ends, changes or reads what the other has of the same id and still uses. */
export const meetings: readonly (readonly Step[])[] = [
  // Background turns of the same id: one waits in its model while the other begins, goes through a tool, and ends.
  [onlyA('hold', 0, 1), onlyB('create', 0, 3), look, onlyA('release'), look],
  [onlyA('hold', 0, 1), onlyB('large', 0, 3), look, onlyA('release'), look],
  [onlyA('hold', 0, 1), onlyB('add', 0, 3), look, onlyA('release'), look],
  [both('hold', 0, 1), look, onlyA('cancel'), look, onlyB('release'), look],
  [both('hold', 0, 1), look, onlyA('release'), look, onlyB('release'), look],
  [both('create', 0, 3), both('add', 0, 3), both('large', 0, 3), look, both('resume'), onlyA('delete'), look],
  [onlyA('large', 0, 3), onlyB('create', 0, 3), { sweep: 'logs' }, both('resume'), look],
  [onlyA('create', 0, 3), onlyB('large', 0, 3), { sweep: 'logs' }, both('resume'), look],
  // A conversation of the same id: items added, taken out, large, compacted.
  [onlyA('newConversation', 1, 0), onlyB('newConversation', 1, 1), onlyA('addItems', 0, 0), both('listItems', 0, 0)],
  [both('newConversation', 1, 7), onlyA('deleteItem', 0, 0), look, both('getItem', 0, 0)],
  [both('newConversation', 1, 1), onlyA('deleteItem', 0, 0), look, both('getItem', 0, 0)],
  [both('newConversation', 1, 0), both('compactWithin', 1, 0), onlyA('deleteCompaction'), look, both('converse')],
  [
    both('newConversation', 1, 0),
    both('converseNamed'),
    onlyA('delete'),
    look,
    onlyA('deleteNamed'),
    look,
    onlyB('get'),
  ],
  [
    both('newConversation', 1, 1),
    both('converse'),
    onlyA('deleteConversation'),
    look,
    { sweep: 'conversations' },
    look,
  ],
  [both('newConversation', 1, 7), onlyA('deleteConversation'), look, both('listItems', 0, 2), look],
  [
    both('newConversation', 1, 1),
    onlyA('hold', 1, 0),
    onlyB('converse'),
    { sweep: 'conversations' },
    onlyA('release'),
    look,
  ],
  // A key of the same text, whose response one of them has deleted.
  [both('keyed', 0, 0), onlyA('delete'), both('keyed', 0, 0), look, both('keyed', 0, 0)],
  [both('keyed', 0, 0), onlyA('delete'), look, both('keyed', 0, 0), look],
  // A chain, and what is removed of it.
  [both('large'), onlyA('continue'), both('delete'), look, both('continue', 1), look],
  [both('create'), onlyB('continue'), both('delete'), look, onlyB('continue', 1), onlyB('delete', 1), look, look],
  [both('large'), onlyA('delete'), look, both('get'), both('inputItems', 0, 0), both('refer', 1)],
  [both('named'), onlyA('delete'), look, both('refer', 0), both('get'), both('inputItems', 0, 1)],
  [both('create'), onlyA('create'), { sweep: 'expired' }, both('get')],
  [both('newConversation', 1, 1), both('listConversations', 0, 1), both('listConversations', 0, 3), onlyA('create', 3)],
  [
    onlyA('create', 3),
    onlyB('create', 1),
    both('listResponses', 0, 3),
    both('listResponses', 0, 0),
    onlyA('delete'),
    look,
  ],
  [onlyA('holdLarge'), onlyB('large', 0, 3), look, onlyA('release'), look],
  [onlyA('holdAdd'), onlyB('add', 0, 3), look, onlyA('release'), look, both('resume', 0, 0)],
  [onlyB('holdAdd'), onlyA('hold', 0, 1), onlyA('cancel'), look, onlyB('release'), look],
  // Events of the same response: one has none, or others, or has not ended.
  [onlyA('create', 0, 3), onlyB('create', 0, 0), both('resume', 0, 7)],
  [onlyB('create', 0, 3), onlyA('create', 0, 0), both('resume', 0, 7)],
  [onlyA('hold', 0, 1), onlyB('create', 0, 3), onlyB('resume', 0, 0), onlyA('release')],
  [onlyB('hold', 0, 1), onlyA('create', 0, 3), onlyA('resume', 0, 0), onlyB('release')],
  [onlyA('create', 0, 3), onlyB('add', 0, 3), both('resume', 0, 0), both('resume', 0, 1)],
  [both('large', 0, 3), both('resume', 0, 0), both('get')],
  // What both have used, added up and not yet.
  [both('create', 0, 0), onlyA('create', 1, 2), both('usage', 0, 0), onlyB('compact', 0, 0), both('usage', 0, 1)],
  [both('create', 0, 0), onlyB('create', 0, 3), { sweep: 'deleted' }, both('usage', 0, 1), onlyA('usage', 0, 4)],
  // Lists by what the other's object of the same id has.
  [
    onlyA('create', 3),
    onlyB('create', 1),
    both('listResponses', 1, 3),
    both('listResponses', 9, 6),
    both('listResponses', 0, 0),
  ],
  [
    onlyA('named'),
    onlyB('create', 1),
    both('listResponses', 0, 2),
    both('listResponses', 9, 2),
    onlyB('named'),
    both('listResponses', 0, 2),
  ],
  [
    both('newConversation', 1),
    onlyA('converse', 1),
    onlyB('create', 1),
    both('listResponses', 0, 1),
    both('listResponses', 9, 1),
  ],
  [
    both('newConversation', 1),
    onlyB('converse', 1),
    onlyA('create', 1),
    both('listConversations', 0, 0),
    both('listConversations', 9, 0),
  ],
  [
    onlyA('newConversation', 1, 1),
    onlyB('newConversation', 1, 0),
    both('listConversations', 0, 2),
    both('listConversations', 9, 2),
  ],
  [onlyA('large'), onlyB('create', 1), both('listResponses', 4, 6), both('listResponses', 4, 0)],
  [onlyB('large'), onlyA('create', 1), both('listResponses', 4, 6), both('listResponses', 4, 0)],
];
