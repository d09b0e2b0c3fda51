import { ConfigError, type ConfigProblem, type ModelConfig } from '../handler/index.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']);

/** Throws a ConfigError with every model whose URL is one of our own listeners (`host:port` each): requests would loop. */
export function refuseOwnListeners(models: readonly ModelConfig[], listeners: readonly string[]): void {
  const problems: ConfigProblem[] = [];
  for (const [index, model] of models.entries()) {
    const url = 'keys' in model ? undefined : model.url;
    if (url === undefined) continue;
    const { hostname, port, protocol } = new URL(url);
    const at = `${LOOPBACK.has(hostname) ? 'loopback' : hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
    if (listeners.some((listener) => at === withLoopback(listener))) {
      problems.push({
        path: ['models', String(index), 'url'],
        says: `is ${url}, which is this server itself: requests would go in a circle`,
      });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function withLoopback(listener: string): string {
  const colon = listener.lastIndexOf(':');
  const host = listener.slice(0, colon);
  return `${LOOPBACK.has(host) ? 'loopback' : host}${listener.slice(colon)}`;
}
