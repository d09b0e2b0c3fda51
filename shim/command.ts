import { lineOf, redact } from '../handler/index.ts';
import { type Flags, readFlags, usage } from './flags.ts';
import { openOutput } from './output.ts';
import { readStart, startProcess, withProgram } from './product.ts';
import { serve } from './serve.ts';

/** Messages for people go to stderr, redacted: the stdout of what serves has log lines only. */
const stderr = openOutput(process.stderr, (dropped) => `${dropped} lines could not be written\n`);
const stdout = openOutput(process.stdout, (dropped) =>
  format(lineOf('warn', 'log lines could not be written', { dropped })),
);

/** A log line as it is written. */
let format = (line: string): string => line;

function say(line: string): void {
  stderr.write(`${redact(line)}\n`);
}

/** What was asked for goes to stdout. */
function print(text: string): void {
  stdout.write(`${redact(text)}\n`);
}

async function exit(code: number): Promise<never> {
  await Promise.all([stdout.flush(), stderr.flush()]);
  process.exit(code);
}

/** Writes log lines for people; loaded where it is used. */
async function prettyFormat(): Promise<typeof format> {
  const { prettyLine } = await import('./pretty.ts');
  const { isTTY } = process.stdout;
  const colours = isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return (line) => prettyLine(line, { colours, columns: (isTTY && process.stdout.columns) || undefined }); // 0 is a terminal that does not say
}

async function main(flags: Flags): Promise<void> {
  if (flags.version) return print(`antiphon ${(await import('./version.ts')).version()}`);
  if (flags.help) return print(usage[flags.command]);
  if (flags.command === 'check') {
    const { check } = await import('./check.ts');
    return exit(await check(flags.config, process.env, print));
  }
  if (flags.keys) {
    const write = (text: string) => stdout.write(`${text}\n`); // a new key is what was asked for
    return (await import('./keys.ts')).keys(flags.keys, process.env, { print: write, say });
  }
  if (flags.tenants) return (await import('./tenants.ts')).tenants(flags.tenants, process.env, { print, say });
  if (flags.secrets) return (await import('./secrets.ts')).secrets(flags.secrets, process.env, say);
  if (flags.usage) return (await import('./usage.ts')).usage(flags.usage, process.env, { print, say });
  if (flags.audit) return exit(await (await import('./audit/command.ts')).auditCommand(flags.audit, print));
  if (flags.command === 'migrate') {
    const { migrateCommand } = await import('./migrate.ts');
    return exit(await migrateCommand(flags, process.env, { print, say }));
  }
  if (flags.command === 'vacuum') return (await import('./vacuum.ts')).vacuum(flags.config, process.env, say);
  const pretty = (flags.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')) === 'pretty';
  if (pretty) format = await prettyFormat();
  const { served, isOver } = await serve({
    flags,
    write: (line) => stdout.write(format(line)),
    say,
    exit,
    async start() {
      const start = await readStart({ flags, env: process.env, say, droppedLines: () => stdout.dropped });
      if (start.setup.config.processes === 1) return startProcess(await withProgram(start));
      const { startProcesses } = await import('./processes/supervisor.ts');
      return startProcesses(start, { args: process.argv.slice(2), stdout, say, format: pretty ? format : undefined });
    },
  });
  // Last, since whoever waits for the greeting may send signals at once; and what it says takes no part of a start.
  const { greet } = await import('./greet.ts');
  const terminals = { isTerminal: process.stderr.isTTY, isLogTerminal: process.stdout.isTTY };
  void greet(served, { say, isOver, ...terminals });
}

try {
  await main(readFlags(process.argv.slice(2)));
} catch (error) {
  say(`antiphon: ${error instanceof Error ? error.message : String(error)}`);
  await exit(1);
}
