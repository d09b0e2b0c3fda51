import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../handler/backend/demo.ts';
import { createHandler, type OpenBackend, parseConfig } from '../handler/index.ts';
import { redact } from '../handler/redact.ts';
import { testDatabase } from './support/doors/database.ts';

const open: OpenBackend = ({ region, key, ...others }) => {
  if (region !== 'north') throw new Error('region must be north');
  const [other] = Object.keys(others);
  if (other) throw new Error(`${other} is not a key that is known`);
  assert.ok(key === undefined || typeof key === 'string');
  return demo;
};

async function handler(entry: object, backends: Record<string, OpenBackend> = { compass: open }) {
  const config = parseConfig({
    models: [
      { match: 'other', backend: 'demo' },
      { match: '*', ...entry },
    ],
  });
  return createHandler({ config, backends, database: await testDatabase() });
}

test('a backend that a root adds is opened by its name, with the keys of its entry that are its own', async () => {
  const { fetch } = await handler({ backend: 'compass', region: 'north', context: 512 });
  const create = (input: string) => {
    const body = JSON.stringify({ model: 'any', input, truncation: 'disabled' });
    return fetch(
      new Request('http://x/v1/responses', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    );
  };
  assert.equal((await create('Hi')).status, 200);
});

test('what an added backend says of its keys comes with the place of its entry', async () => {
  await assert.rejects(
    handler({ backend: 'compass', region: 'south' }),
    /^Error: configuration: models\.1 cannot be opened: region must be north$/,
  );
  await assert.rejects(
    handler({ backend: 'compass', region: 'north', speed: 1 }),
    /models\.1 cannot be opened: speed is not a key that is known/,
  );
});

test('a backend that is not there is refused with those that are', async () => {
  await assert.rejects(handler({ backend: 'soap' }), /models\.1\.backend must be chat, .*, demo or compass$/);
  await assert.rejects(handler({ backend: 'soap' }, {}), /models\.1\.backend must be chat, .* or demo$/);
  await assert.rejects(handler({ backend: 'toString' }), /models\.1\.backend must be/);
});

test('no backend takes the name of one that is built in', async () => {
  await assert.rejects(handler({ backend: 'demo' }, { demo: open }), /the backend demo is built in/);
});

test('the key of an added backend is kept out of the log', async () => {
  await handler({ backend: 'compass', region: 'north', key: 'needle-of-the-compass' });
  assert.equal(redact('it is needle-of-the-compass'), 'it is [redacted]');
});
