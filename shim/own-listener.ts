import { ConfigError, type ConfigProblem, type ModelConfig, serversOf } from '../handler/index.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']);

/** Throws a ConfigError with every model whose URL is one of our own listeners (`host:port` each): requests would loop. */
export function refuseOwnListeners(models: readonly ModelConfig[], listeners: readonly string[]): void {
  const problems: ConfigProblem[] = [];
  for (const [index, model] of models.entries()) {
    const servers = 'keys' in model ? [] : serversOf(model);
    for (const [at, { url }] of servers.entries()) {
      if (url === undefined || !isOwn(url, listeners)) continue;
      const place = 'keys' in model || !model.to ? [] : ['to', String(at)];
      problems.push({
        path: ['models', String(index), ...place, 'url'],
        says: `is ${url}, which is this server itself: requests would go in a circle`,
      });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function isOwn(url: string, listeners: readonly string[]): boolean {
  const { hostname, port, protocol } = new URL(url);
  const at = `${LOOPBACK.has(hostname) ? 'loopback' : hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
  return listeners.some((listener) => at === withLoopback(listener));
}

function withLoopback(listener: string): string {
  const colon = listener.lastIndexOf(':');
  const host = listener.slice(0, colon);
  return `${LOOPBACK.has(host) ? 'loopback' : host}${listener.slice(colon)}`;
}
