import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AddItems, CreateConversation, UpdateConversation } from '../handler/protocol/conversation.ts';
import { ListQuery } from '../handler/protocol/list.ts';
import { CreateRequest, Include } from '../handler/protocol/request.ts';
import { cases } from './coverage/cases.ts';
import { Comparison } from './coverage/compare.ts';
import { topics } from './coverage/not-supported.ts';
import { pageRows } from './coverage/not-supported-page.ts';
import { sdk, surfaceRows } from './coverage/surface.ts';
import { placed } from './coverage/table.ts';
import './promises/all.ts';
import { registered } from './promises/promise.ts';
import { look } from './support/schema.ts';

const rows = surfaceRows().map(({ group, name }) => `${group} ${name}`);

test('every row of the official types has its place: a promise, or what is not supported', () => {
  assert.deepEqual(
    rows.filter((row) => !placed.has(row)),
    [],
  );
});

test('the tables have no row that the official types do not have', () => {
  assert.deepEqual(
    [...placed.keys()].filter((row) => !rows.includes(row)),
    [],
  );
});

test('a row has one place', () => {
  const several = [...placed].filter(([, at]) => [at.by, at.not, at.lacks].filter(({ size }) => size > 0).length !== 1);
  assert.deepEqual(
    several.map(([row]) => row),
    [],
  );
});

/** Requests of the official types, and the schemas that read them. */
const requests: [type: string, schema: object][] = [
  ['ResponseCreateParamsBase', CreateRequest],
  ['ConversationCreateParams', CreateConversation],
  ['ConversationUpdateParams', UpdateConversation],
  ['ItemCreateParams', { entries: { ...AddItems.entries, include: Include } }],
  ['ItemListParams', ListQuery],
  ['InputItemListParams', ListQuery],
];

/** Tools of this server, which read their own entries. */
const OWN_TOOLS = ['mcp'];

test('what the schemas of requests do not read is not supported', () => {
  const comparison = new Comparison(sdk);
  for (const [type, schema] of requests) {
    comparison.object('', sdk.interfaces.get(type) ?? assert.fail(type), look(schema));
  }
  const unread = [...comparison.unread].filter((name) => !OWN_TOOLS.includes(name));
  assert.ok(unread.length > 0);
  const of = (name: string) => [...placed].filter(([row]) => row.slice(row.lastIndexOf(' ') + 1) === name);
  assert.deepEqual(
    unread.filter((name) => of(name).length === 0 || of(name).some(([, { not }]) => not.size === 0)),
    [],
  );
});

test('every promise that the tables name is there', () => {
  const known = new Set<string>(registered.map(({ id }) => id));
  const named = [...[...placed.values()].flatMap(({ by }) => [...by]), ...cases.flatMap(({ by }) => by)];
  assert.deepEqual(
    named.filter((id) => !known.has(id)),
    [],
  );
});

test('every topic of what is not supported has rows, and each limit, error and edge case its promise or topic', () => {
  const used = new Set([...placed.values()].flatMap(({ not }) => [...not]));
  assert.deepEqual(
    Object.keys(topics).filter((topic) => !used.has(topic as keyof typeof topics)), // the keys are its ids
    [],
  );
  assert.deepEqual(
    cases.filter(({ by, not }) => by.length === 0 && !not),
    [],
  );
  const numbers = cases.flatMap(({ group, says }) => (group === 'edge cases' ? Number.parseInt(says, 10) || [] : []));
  assert.deepEqual(
    numbers,
    Array.from({ length: 33 }, (_, index) => index + 1),
  );
});

test('docs/not-supported.md has every row of what is not supported, and no other', () => {
  const page = readFileSync(new URL('../docs/not-supported.md', import.meta.url), 'utf8');
  const found = new Map<string, string[]>();
  for (const line of page.split('\n')) {
    if (line.startsWith('## ')) found.set(line, []);
    const isRow = line.startsWith('| ') && !line.startsWith('| sent |');
    if (isRow) [...found.values()].at(-1)?.push(line);
  }
  assert.deepEqual(found, pageRows());
});
