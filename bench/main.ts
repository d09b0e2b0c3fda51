import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { findEnvoy } from '../envoy/find.ts';
import { aimsOf } from './aims.ts';
import { compare } from './compare.ts';
import { draw } from './draw.ts';
import { startGenerator } from './generator.ts';
import { measureChain } from './measure-chain.ts';
import { measureFirstEvents } from './measure-first.ts';
import { measureMemory } from './measure-memory.ts';
import { measureStart } from './measure-start.ts';
import { measureSweep } from './measure-sweep.ts';
import { FULL, QUICK, SHAPES } from './plan.ts';
import { questionsOf } from './questions.ts';
import type { Results } from './results.ts';
import { startServers } from './servers.ts';
import { tableOf } from './table.ts';

// `--quick` measures less and writes nothing; `--peers` measures other servers beside it, which are installed from PyPI;
// `--profile FOLDER` leaves the product's CPU profiles there.
const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

const begun = performance.now();

/** Progress goes to stderr: stdout holds the table only. */
function say(line: string): void {
  process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
}

async function run(): Promise<Results> {
  const plan = flags.quick ? QUICK : FULL;
  const generator = await startGenerator();
  const { peers, profile } = flags;
  const shapes = { json: SHAPES.turn, stream: SHAPES.bursts };
  const servers = await startServers({ shapes, peers, profile, say });
  try {
    say('every server is up');
    const questions = questionsOf(servers, plan);
    const comparisons = {
      turn: await compare(questions.turn, generator, say),
      bursts: await compare(questions.bursts, generator, say),
      tokens: await compare(questions.tokens, generator, say),
    };
    say('the first events');
    const firstEvents = await measureFirstEvents(servers, plan, generator);
    say('chains');
    const chain = await measureChain(servers, plan, generator);
    say('memory');
    const memory = await measureMemory(servers, plan, generator);
    say('starts');
    const start = await measureStart(servers, plan);
    say('the sweep');
    const swept = await measureSweep(plan);
    const found = {
      date: new Date().toISOString().slice(0, 10),
      node: process.versions.node,
      envoy: (await findEnvoy()).version,
      cpus: availableParallelism(),
      quick: plan.quick,
      seconds: Math.round((performance.now() - begun) / 1000),
      comparisons,
      firstEvents,
      chain,
      memory,
      start,
      swept,
    };
    return { ...found, aims: aimsOf(found) };
  } finally {
    await servers.stop();
    await generator.stop();
  }
}

const results = await run();
process.stdout.write(tableOf(results));
// A quick run is no record.
if (!flags.quick) {
  await writeFile(new URL('results.json', import.meta.url), `${JSON.stringify(rounded(results), null, 2)}\n`);
  await writeFile(new URL('results.svg', import.meta.url), draw(results));
}

/** Digits beyond the fourth say nothing, and would make every line of a new record differ. */
function rounded(value: Results): unknown {
  return JSON.parse(JSON.stringify(value), (_, member) =>
    typeof member === 'number' ? Number(member.toPrecision(4)) : member,
  );
}
