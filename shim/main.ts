#!/usr/bin/env node
import { configureLog, describe, levelNames, log, redact } from '../handler/index.ts';
import { type Flags, readFlags, USAGE } from './flags.ts';
import { type Product, startProduct } from './product.ts';

/** Words for people go to stderr, without secrets: stdout holds nothing but the log's lines. */
function say(line: string): void {
  process.stderr.write(`${redact(line)}\n`);
}

async function main(flags: Flags): Promise<void> {
  if (flags.help) return say(USAGE);
  configureLog(flags.logLevel ?? 'info', (line) => process.stdout.write(line));
  // What libraries print becomes lines of the log, and so goes without secrets as well.
  for (const level of levelNames)
    console[level] = (...parts) => log[level]('printed', { error: parts.map(describe).join(' ') });
  const product = await startProduct(flags, process.env, say);
  greet(product);

  let stopping = false;
  async function stop(code: number): Promise<void> {
    if (stopping) process.exit(1); // asked twice: at once
    stopping = true;
    log.info('draining');
    try {
      await product.stop();
    } catch (error) {
      log.error('cannot stop in order', { error: describe(error) });
      process.exit(1);
    }
    process.exit(code);
  }
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error: describe(error) }));
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: describe(error) });
    void stop(1);
  });
  product.envoy?.exited.then((code) => {
    if (stopping) return;
    log.error('Envoy has exited', { code });
    void stop(1);
  });
}

function greet({ listen, from, store, model, envoy }: Product): void {
  const origin = envoy?.origin ?? `http://${listen.http}`;
  const body = (rest: object) => JSON.stringify({ model: model ?? 'MODEL', input: 'Say hello.', ...rest });
  const post = `${origin}/v1/responses -H 'content-type: application/json' -d`;
  say(`
Antiphon is ready. Models: ${from}.
  responses in    ${store}
  through Envoy   ${envoy?.origin ?? '(not started)'}
  plain HTTP      http://${listen.http}
  ext_proc        ${listen.grpc}
  admin           ${listen.admin === 'off' ? 'off' : `http://${listen.admin}/readyz`}

Try it:
  curl ${post} '${body({})}'
  curl -N ${post} '${body({ stream: true })}'
  curl ${origin}/v1/models
`);
}

try {
  await main(readFlags(process.argv.slice(2)));
} catch (error) {
  say(`antiphon: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
