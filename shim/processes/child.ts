import { describe, lineOf, Readiness } from '../../handler/index.ts';
import { readFlags } from '../flags.ts';
import { openOutput } from '../output.ts';
import { readStart, startProcess, withProgram } from '../product.ts';
import { serve } from '../serve.ts';
import type { FromChild, ToChild } from './child-process.ts';

// One of several processes, as the supervisor starts it: child.ts NUMBER FOLDER [flags of `serve`]. It ends with its supervisor.

const [number = '', folder = '', ...args] = process.argv.slice(2);
const readiness = new Readiness();

/** A log line says which process wrote it. */
const numbered = (line: string) => line.replace(/\}\n$/, `,"process":${number}}\n`);

const stdout = openOutput(process.stdout, (dropped) =>
  numbered(lineOf('warn', 'log lines could not be written', { dropped })),
);

function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()) ?? resolve());
}

async function exit(code: number): Promise<never> {
  await stdout.flush();
  process.exit(code);
}

const abandoned = () => process.exit(1);
process.once('disconnect', abandoned);
process.on('message', ({ envoy }: ToChild) => readiness.set('envoy', !envoy));
try {
  const flags = readFlags(args);
  const { served, stop } = await serve({
    flags,
    write: (line) => stdout.write(numbered(line)),
    say() {}, // the supervisor says it for all
    exit,
    async start() {
      const start = await readStart({ flags, env: process.env, droppedLines: () => stdout.dropped });
      return startProcess(await withProgram(start), { number: Number(number), folder, readiness });
    },
  });
  process.off('disconnect', abandoned);
  process.once('disconnect', () => {
    void stop(1);
    void served.cut(); // another supervisor may be waiting for the ports
  });
  await tell({ ready: true });
} catch (error) {
  await tell({ failed: error instanceof Error ? error.message : describe(error) });
  await exit(1);
}
