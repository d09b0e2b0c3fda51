import assert from 'node:assert/strict';
import { test } from 'node:test';
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

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
}
