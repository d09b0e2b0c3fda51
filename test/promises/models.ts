import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

promise(
  'models.list',
  {
    says: 'GET /v1/models lists the names in the configuration, then what the backends behind patterns list',
    source: 'docs/configuration.md',
  },
  async (door) => {
    door.model.script(says('Hi'));
    const reply = await door.fetch('/v1/models');
    assert.equal(reply.status, 200);
    const { object, data } = (await reply.json()) as { object: string; data: Record<string, unknown>[] };
    assert.equal(object, 'list');
    for (const { id, ...model } of data) {
      assert.equal(typeof id, 'string');
      assert.deepEqual(model, { object: 'model', created: 0, owned_by: 'antiphon' });
    }
    const ids = data.map(({ id }) => String(id));
    assert.deepEqual(ids.slice(0, 2), ['demo', 'down']);
    assert.ok(ids.slice(2).length > 0 && ids.slice(2).every((id) => id.startsWith('scripted-')));
  },
  NEEDS_HEADERS,
);
