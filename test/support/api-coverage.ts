import { cases } from '../coverage/cases.ts';
import { type Topic, type TopicId, topics } from '../coverage/not-supported.ts';
import { surfaceRows } from '../coverage/surface.ts';
import { placed } from '../coverage/table.ts';

// Prints how much of what the official types know is promised, and what is not: `npm run coverage:api`.

/** What becomes of a row; a `topic` is of what is not supported. */
interface Fate {
  group: string;
  name: string;
  fate: 'promised' | 'not supported' | 'missing';
  topic?: TopicId;
  lacks?: string;
}

const fates: Fate[] = [
  ...surfaceRows().map(({ group, name }): Fate => {
    const place = placed.get(`${group} ${name}`);
    const [topic] = place?.not ?? [];
    const [lacks = 'it has no place in the tables'] = place?.lacks ?? [];
    if (topic) return { group, name, fate: 'not supported', topic };
    return place?.by.size ? { group, name, fate: 'promised' } : { group, name, fate: 'missing', lacks };
  }),
  ...cases.map(({ group, says, not }): Fate => {
    return {
      group: `${group} (in words)`,
      name: says,
      fate: not ? 'not supported' : 'promised',
      ...(not && { topic: not }),
    };
  }),
];

const columns = ['promised', 'not supported', 'missing'] as const;
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(0)} %`;
const line = (...cells: (string | number)[]) =>
  console.log(cells.map((cell, index) => (index === 0 ? `${cell}`.padEnd(24) : `${cell}`.padStart(15))).join(''));

line('', 'rows', ...columns);
for (const [group, rows = []] of Object.entries(
  Object.groupBy([...fates, ...fates.map((row) => ({ ...row, group: 'all' }))], ({ group }) => group),
)) {
  const count = (fate: Fate['fate']) => rows.filter((row) => row.fate === fate).length;
  const [promised, ...others] = columns.map(count);
  line(group, rows.length, `${promised} ${percent(promised ?? 0, rows.length).padStart(6)}`, ...others);
}

const byTopic = Object.groupBy(fates, ({ topic }) => topic ?? 'none');
for (const [until, title] of [
  ['never', 'Not supported'],
  ['later', 'Not supported until their own work'],
] as const) {
  const some = Object.entries<Topic>(topics).filter(([, topic]) => topic.until === until);
  console.log(
    `\n${title}: ${some.map(([id, { title }]) => `${title} ${byTopic[id as TopicId]?.length ?? 0}`).join(', ')}`,
  );
}
const missing = fates.filter(({ fate }) => fate === 'missing');
console.log(`\nMissing: ${missing.length === 0 ? 'nothing' : ''}`);
for (const [lacks, rows = []] of Object.entries(Object.groupBy(missing, ({ lacks = '' }) => lacks))) {
  console.log(`  ${lacks}: ${rows.map(({ group, name }) => `${group} ${name}`).join(', ')}`);
}
