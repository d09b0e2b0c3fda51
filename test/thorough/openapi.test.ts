import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp } from '../../handler/http/app.ts';
import { describeApi } from '../../handler/http/openapi/document.ts';
import { routes } from '../../handler/http/routes.ts';
import type { Services } from '../../handler/service/services.ts';
import { type Example, examples } from '../bad-input/examples.ts';
import { placesOf } from '../bad-input/places.ts';
import { isWrong, nameOf, type Site } from '../bad-input/sites.ts';
import { bodyWith } from '../bad-input/try.ts';
import { ofEachType } from '../bad-input/values.ts';
import { fits } from '../support/json-schema.ts';

const api = describeApi(routes, { toolTypes: ['test_tool', 'mcp'] });
const all = examples({ response: 'resp_1', conversation: 'conv_1' });

test('the document has every route of the product, and no other', () => {
  const app = createApp({ origins: [], basePath: '' } as unknown as Services); // nothing is called
  const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && path !== '/*');
  const served = new Set(routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{.*?\})?/g, '{$1}')}`));
  const described = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.sort(), [...served].sort());
});

test('what the schemas of the document refer to is there', () => {
  const text = JSON.stringify(api);
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(name in api.components.schemas, name);
  }
});

test('the schemas of the document take every good example', () => {
  for (const example of all) assert.ok(takes(example, example.body), example.name);
});

test('the schemas of the document refuse a wrong type wherever it stands, and take null for what may be left out', () => {
  for (const { example, site } of placesOf(all)) {
    const place = `${example.name}: ${nameOf(site.path)}`;
    for (const written of ofEachType.filter((text) => isWrong(site.schema, JSON.parse(text)))) {
      assert.ok(!takes(example, replaced(example, site, written)), `${place} = ${written}`);
    }
    if (site.optional) assert.ok(takes(example, replaced(example, site, 'null')), `${place} = null`);
  }
});

function replaced(example: Example, site: Site, written: string): unknown {
  return JSON.parse(bodyWith(example, [site], written));
}

function takes({ path }: Example, body: unknown): boolean {
  const operation = api.paths[path.replace('conv_1', '{id}')]?.post ?? assert.fail(path);
  return fits(api, operation.requestBody?.content['application/json']?.schema, body);
}
