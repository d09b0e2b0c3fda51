import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Example, examples } from '../bad-input/examples.ts';
import { type Place, placesOf } from '../bad-input/places.ts';
import { isWrong, nameOf, sitesOf } from '../bad-input/sites.ts';
import { bodyWith, errorOf, send, tryValue } from '../bad-input/try.ts';
import { deep, huge, MARK, ofEachType, written } from '../bad-input/values.ts';
import { add } from '../promises/mcp-ask.ts';
import { readablePaths } from '../promises/state-ask.ts';
import { type Door, post, testConnectorToken } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { objectsIn } from '../support/schema.ts';

/** Values tried by each property; `PROPERTY_RUNS` asks for more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 200);

/** What a request needs all the same: what else it has may give it, and other members name it. */
const NEEDED = /^(input|model|tools|conversation|prompt\.variables)$|^input\[0\]\.id$|\.(call_id|file_data)$/;

let door: Door;
let model: string;
let all: Example[];
let places: Place[];
const reached = new Set<string>();

before(async () => {
  door = await openInProcess();
  model = door.model.script(says('ok'));
  door.model.mcp.serve([add], { token: testConnectorToken }, 'open');
  const made = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const reply = await door.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return ((await reply.json()) as { id: string }).id;
  };
  const kept = { id: 'msg_kept', role: 'user', content: 'kept' };
  const conversation = await made('/v1/conversations', { items: [kept] });
  const response = await made('/v1/responses', { model, input: 'Hi' });
  all = examples({ response, conversation });
  for (const { path, body } of all) if (path === '/v1/responses') body.model = model;
  places = placesOf(all, (kind) => reached.add(kind));
});

after(() => door.close());

/** Checks one place; a failure names the request. */
async function at({ example, site }: Place, what: string, check: () => Promise<unknown>): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw new Error(`${example.name} (${example.path}): ${nameOf(site.path)} = ${what.slice(0, 200)}`, {
      cause: error,
    });
  }
}

async function goesOn(): Promise<void> {
  assert.equal((await door.fetch('/health')).status, 200);
  assert.equal((await post(door, { model, input: 'Hi' })).status, 200);
}

test('the examples are good, and have an object of every kind that the schemas know', async () => {
  for (const example of all) {
    const reply = await send(door, example, JSON.stringify(example.body));
    assert.equal(reply.status, 200, `${example.name}: ${await reply.text()}`);
  }
  const known = new Set(all.flatMap(({ schema }) => [...objectsIn(schema).keys()]));
  assert.deepEqual(
    [...known].filter((kind) => !reached.has(kind)),
    [],
  );
});

test('a value of a wrong type is refused wherever it stands', async () => {
  for (const place of places) {
    const { example, site } = place;
    // A member that may be left out has its null below.
    const values = site.optional ? ofEachType : [...ofEachType, 'null'];
    for (const value of values.filter((value) => isWrong(site.schema, JSON.parse(value)))) {
      await at(place, value, () => tryValue(door, example, site, value));
    }
  }
  await goesOn();
});

test('null means "not given" wherever something may be left out', async () => {
  for (const example of all) {
    const sites = sitesOf(example.schema, example.body, () => {});
    const optional = sites.filter(({ path, optional }) => optional && !NEEDED.test(nameOf(path)));
    for (const depth of new Set(optional.map(({ path }) => path.length))) {
      const level = optional.filter(({ path }) => path.length === depth);
      const reply = await send(door, example, bodyWith(example, level, 'null'));
      assert.equal(reply.status, 200, `${example.name}, ${depth} deep: ${await reply.text()}`);
    }
  }
});

test('no value breaks anything, wherever it stands', async () => {
  const property = fc.asyncProperty(fc.nat(), written, async (index, value) => {
    const place = anyOf(index);
    await at(place, value, () => tryValue(door, place.example, place.site, value));
  });
  await fc.assert(property, { numRuns: RUNS });
  await goesOn();
});

test('neither does anything large or deep', async () => {
  const names = fc.constantFrom(...Object.keys(huge));
  const property = fc.asyncProperty(fc.nat(), names, async (index, name) => {
    const place = anyOf(index);
    await at(place, name, () => tryValue(door, place.example, place.site, huge[name]?.() ?? ''));
  });
  await fc.assert(property, { numRuns: Math.ceil(RUNS / 10) });
  // What no schema looks into might come through, to where it breaks a stack.
  for (const example of all) {
    const unread = places.filter((place) => place.example === example && place.site.schema.type === 'unknown');
    const sites = unread.map(({ site }) => site);
    for (const headers of [{}, { 'idempotency-key': example.name }]) {
      const reply = await send(door, example, bodyWith(example, sites, deep(10_000)), headers);
      const answer = await reply.text();
      // A body past the bounds of all JSON is refused as a whole.
      const refused = reply.status !== 200 && !/nested deeper than 128/.test(answer);
      if (refused) assert.ok(errorOf(reply.status, answer), `${example.name}: ${answer}`);
    }
  }
  await goesOn();
});

test('neither do ids and queries that are none', async () => {
  const paths = [...readablePaths('responses', 'resp_1'), ...readablePaths('conversations', 'conv_1')];
  const names = ['limit', 'order', 'after', 'include', 'include[]', 'include[0]', 'stream', 'starting_after'];
  const texts = fc.oneof(
    fc.constantFrom('', ' ', '0', '101', '1.5', '-1', '1e999', 'NaN', '[]', '%', '%00', '%ud800', '%ff', 'null'),
    fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(MARK + text.toWellFormed())),
    fc.constantFrom(MARK.repeat(250_000)),
  );
  const property = fc.asyncProperty(
    fc.constantFrom(...paths),
    fc.constantFrom(...names),
    texts,
    async (path, name, text) => {
      for (const url of [`${path}?${name}=${text}`, `${path.replace(/\w+_1/, text.slice(0, 400))}?${name}=1`]) {
        const reply = await door.fetch(url);
        const answer = await reply.text();
        // An empty id is the path of something else.
        if (![200, 405].includes(reply.status)) errorOf(reply.status, answer);
        if (reply.status === 422)
          assert.ok(JSON.parse(answer).error.param.startsWith(name.replace(/\[.*/, '')), answer);
      }
    },
  );
  await fc.assert(property, { numRuns: RUNS });
  await goesOn();
});

function anyOf(index: number): Place {
  return places[index % places.length] ?? assert.fail('there are no places');
}
