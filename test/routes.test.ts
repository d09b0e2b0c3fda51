import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { replySchemas } from '../handler/http/openapi/reply-schemas.ts';
import { routes } from '../handler/http/routes.ts';

test('no route stands behind one that takes its path for a parameter', () => {
  const behind = routes.flatMap(({ path }, index) => {
    const before = routes.slice(0, index).filter((earlier) => earlier.path !== path);
    return before.filter((earlier) => pattern(earlier.path).test(path)).map((earlier) => `${path} (${earlier.path})`);
  });
  assert.deepEqual(behind, []);
});

test('a method of a path is there once, and so is an operation', () => {
  const names = routes.flatMap(({ method, path, operationId }) => [`${method} ${path}`, operationId]);
  assert.equal(new Set(names).size, names.length);
});

test('a reply that is named is in reply-schemas.ts', () => {
  const names = routes.flatMap(({ reply }) => Object.values(reply).filter((value) => typeof value === 'string'));
  assert.deepEqual(
    names.filter((name) => !Object.hasOwn(replySchemas, name)),
    [],
  );
});

test('every route has its row in docs/api.md', () => {
  const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
  const missing = routes.filter(({ method, path }) => !page.includes(`\n| \`${method} ${path}\` |`));
  assert.deepEqual(
    missing.map(({ method, path }) => `${method} ${path}`),
    [],
  );
});

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
}
