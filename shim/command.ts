import { configureLog, describe, levelNames, lineOf, log, redact } from '../handler/index.ts';
import { type Flags, readFlags, usage } from './flags.ts';
import { openOutput } from './output.ts';
import { startProduct } from './product.ts';
import { onSignals } from './signals.ts';

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
  if ((flags.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')) === 'pretty') format = await prettyFormat();
  configureLog(flags.logLevel ?? 'info', (line) => stdout.write(format(line)));
  // Redirect what libraries print to the log, which redacts secrets.
  for (const level of levelNames)
    console[level] = (...parts) => log[level]('printed', { error: parts.map(describe).join(' ') });
  let stopping = false;
  const product = await startProduct({ flags, env: process.env, say, droppedLines: () => stdout.dropped });

  async function stop(code: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    const { drain, inFlight } = product;
    const requests = inFlight === 1 ? '1 request' : `${inFlight} requests`;
    say(`draining: ${requests}, ${drain / 1000} s at most; again to cut`);
    log.info('draining', { requests: inFlight });
    try {
      await product.stop();
    } catch (error) {
      log.error('cannot stop in order', { error: describe(error) });
      await exit(1);
    }
    await exit(code);
  }
  const reload = () => void product.reload().catch(() => {}); // the log says why
  onSignals([() => void stop(0), () => void product.cut(), () => process.exit(1)], reload);
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error: describe(error) }));
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: describe(error) });
    void stop(1);
  });
  // Last, since whoever waits for the greeting may send signals at once; and what it says takes no part of a start.
  const { greet } = await import('./greet.ts');
  const terminals = { isTerminal: process.stderr.isTTY, isLogTerminal: process.stdout.isTTY };
  void greet(product, { say, isOver: () => stopping, ...terminals });
}

try {
  await main(readFlags(process.argv.slice(2)));
} catch (error) {
  say(`antiphon: ${error instanceof Error ? error.message : String(error)}`);
  await exit(1);
}
