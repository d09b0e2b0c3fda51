import type { PromiseId } from '../promises/promise.ts';
import type { TopicId } from './not-supported.ts';

/** Rows of the surface, and what shows them: promises, or a topic of what is not supported; `lacks` is what is still to be done. */
export type Entry = { rows: Row[] } & ({ by: readonly PromiseId[] } | { not: TopicId } | { lacks: string });

/** A row, or with `*` at its end every row that begins so. */
interface Row {
  group: string;
  name: string;
}

type OneOrMore = string | readonly string[];

/** Rows that promises show. `kinds` stand before the names; an empty one is for groups without kinds. */
export function shown(groups: OneOrMore, kinds: OneOrMore, names: string, ...by: readonly PromiseId[]): Entry {
  return { rows: rowsFor(groups, kinds, names), by };
}

/** Rows that a topic of `not-supported.ts` is about. */
export function not(groups: OneOrMore, kinds: OneOrMore, names: string, topic: TopicId): Entry {
  return { rows: rowsFor(groups, kinds, names), not: topic };
}

/** Rows that are neither: faults, each in words, until they are mended. */
export function open(groups: OneOrMore, kinds: OneOrMore, names: string, lacks: string): Entry {
  return { rows: rowsFor(groups, kinds, names), lacks };
}

/**
 * The rows that names stand for, separated by spaces: `a` is a member, `a=x|y` the member and its values, `a:x|y` the
 * member and the kinds that may stand there, with `==` and `::` without the member; `.` is the kind itself, and `*` all
 * that there is.
 */
function rowsFor(groups: OneOrMore, kinds: OneOrMore, names: string): Row[] {
  return [groups].flat().flatMap((group) =>
    [kinds].flat().flatMap((kind) =>
      names
        .split(/\s+/)
        .filter(Boolean)
        .flatMap(expand)
        .map((name) => ({ group, name: nameOf(kind, name) })),
    ),
  );
}

function expand(name: string): string[] {
  const [, member = '', sign = '', values = ''] = /^([a-z].*?)([=:]{1,2})(.*)$/.exec(name) ?? [];
  if (!sign) return [name];
  const each = values.split('|').map((value) => `${member}${sign[0]}${value}`);
  return sign.length === 2 ? each : [member, ...each];
}

function nameOf(kind: string, name: string): string {
  if (!kind) return name;
  if (name === '.') return kind;
  return name === '*' ? `${kind}*` : `${kind}.${name}`;
}
