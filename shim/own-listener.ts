import { type ModelConfig, misconfigured } from '../handler/index.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']);

/** Throws a ConfigError when a model's URL is one of our own listeners (`host:port` each): requests would loop. */
export function refuseOwnListeners(models: readonly ModelConfig[], listeners: readonly string[]): void {
  for (const [index, model] of models.entries()) {
    const url = 'keys' in model ? undefined : model.url;
    if (url === undefined) continue;
    const { hostname, port, protocol } = new URL(url);
    const at = `${LOOPBACK.has(hostname) ? 'loopback' : hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
    if (listeners.some((listener) => at === withLoopback(listener))) {
      throw misconfigured(
        `models.${index}.url`,
        `is ${url}, which is this server itself: requests would go in a circle`,
      );
    }
  }
}

function withLoopback(listener: string): string {
  const colon = listener.lastIndexOf(':');
  const host = listener.slice(0, colon);
  return `${LOOPBACK.has(host) ? 'loopback' : host}${listener.slice(colon)}`;
}
