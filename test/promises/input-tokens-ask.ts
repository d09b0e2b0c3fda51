import assert from 'node:assert/strict';
import type { Json } from '../support/accumulate.ts';
import { type Door, post } from '../support/doors/door.ts';
import { ask, have } from './state-ask.ts';

const PATH = '/v1/responses/input_tokens';

/** Counts the input tokens of a create with this body. */
export async function count(door: Door, body: object): Promise<number> {
  const { input_tokens, ...rest } = await have<{ input_tokens: number }>(door, 'POST', PATH, body);
  assert.deepEqual(rest, { object: 'response.input_tokens' });
  assert.ok(Number.isInteger(input_tokens) && input_tokens >= 0);
  return input_tokens;
}

/** The body of a request to a path of the model's server: the first one, unless `index` says another. */
export function countRequest(door: Door, model: string, path: string, index = 0): Json {
  const calls = door.model.calls(model).filter((call) => call.path === path);
  return calls[index]?.body ?? assert.fail(`a call to ${path}`);
}

/** Asserts that a count gets the same error as a create with this body. */
export async function sameRefusal(door: Door, body: object): Promise<void> {
  const [created, asked] = [await post(door, body), await ask(door, 'POST', PATH, body)];
  const what = JSON.stringify(body);
  assert.ok(created.status >= 400, what);
  assert.deepEqual([asked.status, await asked.json()], [created.status, await created.json()], what);
}
