import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import '../promises/all.ts';
import { registered } from '../promises/promise.ts';

test('every skip of a door has its reason', () => {
  for (const { id, skips } of registered) {
    for (const [door, reason] of Object.entries(skips))
      assert.ok(reason.length > 10, `${id} skips ${door} without a reason`);
  }
});

/** Standards and references that anyone can look up; every other source is a page of ours. */
const ELSEWHERE =
  /^(openai \d|OpenAI: |OpenResponses |Messages API: |Codex|clients: |RFC \d|MCP \d|Fetch standard|recordings: |https:\/\/|openresponses\/)/;

test('every promise names a source that a reader can open', () => {
  const unknown = registered.filter(({ source }) => {
    const [, page = ''] = /^([\w./-]+)/.exec(source) ?? [];
    return !ELSEWHERE.test(source) && !existsSync(new URL(`../../${page.replace(/:$/, '')}`, import.meta.url));
  });
  assert.deepEqual(
    unknown.map(({ id, source }) => `${id}: ${source}`),
    [],
  );
});
