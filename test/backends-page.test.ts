import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { knownServers, serverAt, serverNames } from '../handler/backend/server/servers.ts';
import { backendsPage, factsWithSources } from './support/backends-page.ts';

test('docs/backends.md has the servers that the table has', () => {
  const page = readFileSync(new URL('../docs/backends.md', import.meta.url), 'utf8');
  assert.equal(page, backendsPage(), 'run: node test/support/backends-page.ts');
  for (const name of serverNames) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test('each fact of a server has a public source', () => {
  const facts = factsWithSources();
  const inTable = Object.entries(knownServers).flatMap(([name, row]) =>
    Object.keys(row).map((fact) => `${name} ${fact}`),
  );
  assert.deepEqual(
    facts.map(({ server, fact }) => `${server} ${fact}`),
    inTable,
  );
  assert.deepEqual(
    facts.filter(({ sources }) => sources.length === 0),
    [],
  );
});

test('a server is found by its host, and by no part of another', () => {
  for (const [url, server] of [
    ['https://api.openai.com/v1', 'openai'],
    ['https://eu.api.openai.com:443/v1', 'openai'],
    ['https://res.openai.azure.com/openai/v1', 'azure'],
    ['https://res-eastus2.cognitiveservices.azure.com/openai/v1', 'azure'],
    ['https://api.mistral.ai/v1', 'mistral'],
    ['https://generativelanguage.googleapis.com/v1beta/openai', 'gemini'],
    ['https://us-central1-aiplatform.googleapis.com/v1', 'gemini'],
    ['https://openai.com.evil.test/v1', undefined],
    ['https://notopenai.com/v1', undefined],
    ['http://127.0.0.1:8000/v1/api.mistral.ai', undefined],
  ] as const) {
    assert.equal(serverAt(url), server, url);
  }
});
