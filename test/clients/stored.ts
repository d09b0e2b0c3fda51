import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import type { Stage } from './scenarios.ts';

/** A response that is read, whose input is listed, and that is deleted. */
export async function stored({ start }: Stage): Promise<void> {
  const { client } = start(says('Hello'));
  assert.deepEqual(await client.outcome, { result: { text: 'Hello', items: ['Hi'], after: 404 } });
}
