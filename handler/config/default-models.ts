import type { ModelConfig } from './models.ts';

/**
 * Models from `OPENAI_BASE_URL` (with `OPENAI_API_KEY`), if it is set; throws an Error when it is no URL, or one with
 * credentials.
 */
export function environmentModels(env: Readonly<Record<string, unknown>>): ModelConfig[] | undefined {
  const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = env;
  if (typeof url !== 'string' || url === '') return undefined;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error('OPENAI_BASE_URL must be a URL that begins with http:// or https://');
  const { username, password } = new URL(url);
  if (username || password) {
    throw new Error('OPENAI_BASE_URL must not hold a user or a password, which are not sent: set OPENAI_API_KEY');
  }
  return [{ match: '*', backend: 'chat', url, ...(typeof key === 'string' && key !== '' && { key }) }];
}

/** The built-in demo model: listed under its own name, and answering to any other. */
export const demoModels: readonly ModelConfig[] = [
  { match: 'demo', backend: 'demo' },
  { match: '*', backend: 'demo' },
];
