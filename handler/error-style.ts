import type { ErrorStyle } from './errors.ts';

/** `errors` of the configuration: one style for everybody, or each client's own. */
export type ErrorSetting = ErrorStyle | 'auto';

/**
 * Clients that are made for OpenAI's statuses and codes, by a header that they really send, each with the public source that
 * sends it. All others get the three tiers.
 */
const MADE_FOR_OPENAI: [header: string, pattern: RegExp, source: string][] = [
  // openai-python, -node, -java, -go, -ruby; some of them fail on a code that is a number.
  ['x-stainless-lang', /./, 'https://github.com/openai/openai-go/blob/main/internal/requestconfig/requestconfig.go'],
  // openai-dotnet, which sends none of those.
  ['user-agent', /^OpenAI\/\d/, 'https://github.com/microsoft/agent-framework/issues/632'],
  ['user-agent', /\bai-sdk\/openai\//, 'https://github.com/vercel/ai/blob/main/packages/openai/src/openai-provider.ts'],
  // It repeats a 422 for six seconds, and shows a 400 at once.
  ['originator', /^codex_/, 'https://github.com/openai/codex/blob/main/codex-rs/login/src/auth/default_client.rs'],
];

/** The style of a request's errors, or of those on a WebSocket by the headers of its handshake. */
export function styleOf(setting: ErrorSetting, headers: Headers): ErrorStyle {
  if (setting !== 'auto') return setting;
  const isMade = MADE_FOR_OPENAI.some(([header, pattern]) => pattern.test(headers.get(header) ?? ''));
  return isMade ? 'openai' : 'tiers';
}
