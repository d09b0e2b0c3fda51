import type { Target } from './target.ts';

/** What a server tells of the work it does. */
export interface Work {
  /** The requests that run or wait. */
  requests: number;
  /** The tokens that it has made since its start, in requests that have ended. */
  tokens: number;
}

/** The names that llama.cpp, vLLM and SGLang have for the same counts. */
const REQUESTS = /^\w+:(requests_(processing|deferred)|num_requests_(running|waiting)|num_(running|queue)_reqs)\b/;
const TOKENS = /^\w+:(tokens_predicted_total|generation_tokens_total)\b/;

/** Reads the server's `/metrics`; undefined when there are none, or not with these counts. */
export async function watchWork({ url, key }: Target): Promise<Work | undefined> {
  const reply = await fetch(new URL('/metrics', url), { headers: key ? { authorization: `Bearer ${key}` } : {} });
  const lines = (await reply.text()).split('\n');
  const [requests, tokens] = [REQUESTS, TOKENS].map((name) => sum(lines.filter((line) => name.test(line))));
  return requests === undefined || tokens === undefined ? undefined : { requests, tokens };
}

function sum(lines: readonly string[]): number | undefined {
  if (lines.length === 0) return undefined;
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}
