import { type Block, wearOf } from './growth-fill.ts';
import { type Operation, operations } from './growth-operations.ts';
import { openSubjects, type Subject } from './growth-subject.ts';
import { quantile } from './statistics.ts';

// `node bench/growth.ts [postgres|sqlite] [RESPONSES] [worn]`: how long each operation takes in databases of a hundredth of so many responses, of a
// tenth, and of all, side by side; there are twice as many items. `npm run bench:growth` fills five million, some 10 GB in the temporary folder.
// With `worn` PostgreSQL has had a fifth as many turns again and no VACUUM since; nothing is removed then.

const [kind = 'postgres', size = '5000000', worn] = process.argv.slice(2);
const total = Number(size);
const start = Date.now() - total * 1_000;
const blocks: Block[] = [total / 100, total / 10, total].map((size) => ({ size, start }));

/** Times of an operation before it is measured: plans are made by then. */
const WARM_UP = 6;

/** The median, the longest time, both in milliseconds, and the pages that were looked at each time. */
interface Measured {
  middle: number;
  longest: number;
  pages: number | undefined;
}

/** Measures an operation in each database in turn, so that what else the machine does slows all of them alike. */
async function measure({ times, prepare, run }: Operation, subjects: readonly Subject[]): Promise<Measured[]> {
  if (!prepare) for (const subject of subjects) for (let n = 0; n < WARM_UP; n++) await run(subject);
  const took = subjects.map((): number[] => []);
  const pages = subjects.map(() => 0);
  let counted = true;
  for (let n = 0; n < times; n++) {
    for (const [index, subject] of subjects.entries()) {
      await prepare?.(subject);
      const before = await subject.pages();
      const from = performance.now();
      await run(subject);
      took[index]?.push(performance.now() - from);
      const after = await subject.pages();
      if (before === undefined || after === undefined) counted = false;
      else pages[index] = (pages[index] ?? 0) + after - before;
    }
  }
  return took.map((all, index) => ({
    middle: quantile(all, 0.5),
    longest: Math.max(...all),
    pages: counted ? (pages[index] ?? 0) / times : undefined,
  }));
}

function cellsOf({ name }: Operation, measured: readonly Measured[]): string[] {
  const [small, medium, large] = measured;
  const ratio = (part: Measured | undefined) => ((large?.middle ?? 0) / (part?.middle ?? 0)).toFixed(1);
  const times = measured.map(({ middle, longest }) => `${middle.toFixed(1)} / ${longest.toFixed(0)}`);
  const pages = measured.some(({ pages }) => pages === undefined)
    ? []
    : [measured.map(({ pages = 0 }) => pages.toFixed(0)).join('; ')];
  return [name, ...times, ratio(small), ratio(medium), ...pages];
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

try {
  const subjects = await openSubjects(kind, blocks);
  const sizes = blocks.map(({ size }) => `${(2 * size).toLocaleString('en')} items`);
  const print = async (all: readonly Operation[]) => {
    console.log(`${row(head)}\n|${'---|'.repeat(head.length)}`);
    for (const operation of all) console.log(row(cellsOf(operation, await measure(operation, subjects))));
  };
  const head = ['p50 / max, ms', ...sizes, 'to the first', 'to the second'];
  if (kind !== 'sqlite') head.push('pages each');
  if (worn) {
    for (const { run, block } of subjects) for (const statement of wearOf(block)) await run(statement);
    await print(operations.filter(({ prepare }) => !prepare));
  } else await print(operations);
  for (const subject of subjects) await subject.close();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit(); // the server's process keeps nothing alive
