import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributeReader, attributeTargets } from '../handler/attributes.ts';
import { BoundedLabel } from '../handler/telemetry/labels.ts';
import { traceHeaders } from '../handler/trace-headers.ts';

const rule = { header: 'x-team', as: 'team', on: attributeTargets, values: 2 };

test('attributes are read of the headers that the configuration names, and go where it says', () => {
  const reader = attributeReader([rule, { ...rule, header: 'x-user', as: 'user', on: ['spans'] }]);
  const headers = new Headers({ 'x-team': 'blue', 'x-user': 'u1', 'x-other': 'x' });
  const found = reader.read((name) => headers.get(name));
  assert.deepEqual(found?.all, { team: 'blue', user: 'u1' });
  assert.deepEqual(found?.for('log'), { team: 'blue' });
  assert.deepEqual(found?.for('spans'), { team: 'blue', user: 'u1' });
  assert.equal(
    reader.read(() => null),
    undefined,
  );
  assert.equal(
    attributeReader([]).read(() => 'blue'),
    undefined,
  );
});

test('a value is cut, and has no controls', () => {
  const reader = attributeReader([rule]);
  assert.equal(reader.read(() => 'x'.repeat(100_000))?.all.team?.length, 128);
  assert.equal(reader.read(() => ' a\u0000\u202e\tb ')?.all.team, 'a b');
  assert.equal(
    reader.read(() => ' \u0007 '),
    undefined,
  );
});

test('metrics tell only so many values apart, and the log all of them', () => {
  const reader = attributeReader([rule]);
  const seen = ['a', 'b', 'c', 'a', 'd'].map((value) => reader.read(() => value));
  assert.deepEqual(
    seen.map((found) => found?.for('metrics')?.team),
    ['a', 'b', 'other', 'a', 'other'],
  );
  assert.deepEqual(
    seen.map((found) => found?.for('log')?.team),
    ['a', 'b', 'c', 'a', 'd'],
  );
});

test('10,000 values are 1,000 labels of metrics, and one for all others, which came after them', () => {
  const reader = attributeReader([{ ...rule, values: 1_000 }]);
  const counts = new Map<string | undefined, number>();
  for (let n = 0; n < 20_000; n++) {
    const label = reader.read(() => `team-${n % 10_000}`)?.for('metrics')?.team;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  assert.equal(counts.size, 1_001);
  assert.equal(counts.get('other'), 18_000);
  assert.equal(counts.get('team-999'), 2);
});

test('what was kept of a request goes where the rules of today say', () => {
  const kept = attributeReader([{ ...rule, on: ['log'] }]).of({ team: 'blue', gone: 'x' });
  assert.deepEqual(kept?.for('log'), { team: 'blue' });
  assert.equal(kept?.for('spans'), undefined);
});

test('a label has so many values and no more', () => {
  const label = new BoundedLabel(2);
  assert.equal(label.has('a'), false);
  assert.deepEqual(
    ['a', 'b', 'c', 'b'].map((value) => label.of(value)),
    ['a', 'b', 'other', 'b'],
  );
  assert.equal(new BoundedLabel(2).of('x'.repeat(1_000)), 'other');
});

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a traceparent is taken as the standard has it, and anything else is none', () => {
  assert.deepEqual(traceHeaders(parent), { traceparent: parent });
  assert.deepEqual(traceHeaders(`${parent.slice(0, -1)}0`, 'a=b,c=d'), {
    traceparent: `${parent.slice(0, -1)}0`,
    tracestate: 'a=b,c=d',
  });
  const later = `cc${parent.slice(2)}-what-comes-later`;
  assert.deepEqual(traceHeaders(later), { traceparent: later });
  for (const wrong of [
    ...['', 'x', `ff${parent.slice(2)}`, parent.toUpperCase(), `${parent}-more`, parent.slice(0, -1)],
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    `${later}${'x'.repeat(1_000)}`,
    `cc${parent.slice(2)}-\r\nx: y`,
  ])
    assert.equal(traceHeaders(wrong), undefined, wrong);
  assert.deepEqual(traceHeaders(parent, 'x'.repeat(513)), { traceparent: parent });
  assert.deepEqual(traceHeaders(parent, 'a=b\r\nx: y'), { traceparent: parent });
});
