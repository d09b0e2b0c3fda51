import { configureLog, describe, levelNames, lineOf, log, redact } from '../handler/index.ts';
import { type Flags, readFlags, usage } from './flags.ts';
import { isTcp } from './listeners.ts';
import { openOutput } from './output.ts';
import { type Product, startProduct } from './product.ts';
import { onSignals } from './signals.ts';
import { socketPathOf } from './unix-socket.ts';
import { vacuum } from './vacuum.ts';

/** Messages for people go to stderr, redacted: stdout has log lines only. */
const stderr = openOutput(process.stderr, (dropped) => `${dropped} lines could not be written\n`);
const stdout = openOutput(process.stdout, (dropped) => lineOf('warn', 'log lines could not be written', { dropped }));

function say(line: string): void {
  stderr.write(`${redact(line)}\n`);
}

async function exit(code: number): Promise<never> {
  await Promise.all([stdout.flush(), stderr.flush()]);
  process.exit(code);
}

async function main(flags: Flags): Promise<void> {
  if (flags.help) return say(usage[flags.command]);
  if (flags.command === 'vacuum') return vacuum(flags.config, process.env, say);
  configureLog(flags.logLevel ?? 'info', stdout.write);
  // Redirect what libraries print to the log, which redacts secrets.
  for (const level of levelNames)
    console[level] = (...parts) => log[level]('printed', { error: parts.map(describe).join(' ') });
  const product = await startProduct({ flags, env: process.env, say });
  greet(product);

  let stopping = false;
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
  onSignals([() => void stop(0), () => void product.cut(), () => process.exit(1)]);
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error: describe(error) }));
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: describe(error) });
    void stop(1);
  });
}

function greet({ listen, http, from, store, model, envoy }: Product): void {
  const socket = socketPathOf(listen.http);
  const origin = envoy?.origin ?? http ?? (socket && `--unix-socket ${socket} http://localhost`);
  const body = (rest: object) => JSON.stringify({ model: model ?? 'MODEL', input: 'Say hello.', ...rest });
  const post = `${origin}/v1/responses -H 'content-type: application/json' -d`;
  say(`
Antiphon is ready. Models: ${from}.
  responses in    ${store}
  through Envoy   ${envoy?.origin ?? '(not started)'}
  HTTP            ${http ?? listen.http}
  ext_proc        ${listen.grpc}
  admin           ${isTcp(listen.admin) ? `http://${listen.admin}/readyz` : listen.admin}
`);
  if (!origin) return;
  say(`Try it:
  curl ${post} '${body({})}'
  curl -N ${post} '${body({ stream: true })}'
  curl ${origin}/v1/models
`);
}

try {
  await main(readFlags(process.argv.slice(2)));
} catch (error) {
  say(`antiphon: ${error instanceof Error ? error.message : String(error)}`);
  await exit(1);
}
