// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names what rules send on

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withHeaderRules } from '../handler/backend/server/header-rules.ts';
import { withMembers } from '../handler/backend/server/set-members.ts';
import { readConfig } from '../handler/config/index.ts';
import { ApiError } from '../handler/errors.ts';
import { headersAmong, headerWithValues, requestValuesReader, withValues } from '../handler/request-values.ts';
import { readRequestOrigin } from '../handler/state/request-origin.ts';

const url = 'http://models.test/v1';
const env = { USER: 'env-user', TEAM: 'blue' };

/** What a configuration with these rules is refused with; undefined where it is taken. */
function refusal(send: object, entry: object = {}): string | undefined {
  try {
    readConfig({ models: [{ match: '*', backend: 'chat', url, ...entry, send }] }, { env });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('a configuration keeps what rules refer to, and fills in its variables beside it', () => {
  const set = { 'metadata.team': '${TEAM} ${header:X-Team} ${user}', top_k: 1, list: ['${key}', null] };
  const headers = { set: { 'X-Team': '${header:x-team}' }, add: { 'x-tag': '${TEAM}' }, remove: ['X-Debug'] };
  const { models } = readConfig({ models: [{ match: '*', backend: 'chat', url, send: { set, headers } }] }, { env });
  const [model] = models ?? [];
  assert.ok(model && !('keys' in model));
  assert.deepEqual(model.send?.set, { ...set, 'metadata.team': 'blue ${header:X-Team} ${user}' });
  assert.deepEqual(model.send?.headers, {
    set: { 'x-team': '${header:x-team}' },
    add: { 'x-tag': 'blue' },
    remove: ['x-debug'],
  });
});

test('a rule that cannot hold is refused at start, with its place and what to do', () => {
  const wrong: [send: object, entry: object, message: RegExp][] = [
    [{ set: { model: 'x' } }, {}, /models\.0\.send\.set\.model must not be set: model is the client's/],
    [{ set: { 'stream_options.include_usage': false } }, {}, /set\.stream_options\.include_usage must not be set/],
    [{ set: { stream_options: {} } }, {}, /set\.stream_options must not be set: stream_options\.include_usage/],
    [{ set: { 'messages.0': {} } }, {}, /set\.messages\.0 must not be set: messages/],
    [{ set: { 'text.format': {} } }, { backend: 'responses' }, /set\.text\.format must not be set/],
    [{ set: { text: {} } }, { backend: 'responses' }, /set\.text must not be set: text\.format/],
    [{ set: { store: true } }, { backend: 'responses' }, /set\.store must not be set/],
    [{ set: { system: 'x' } }, { backend: 'anthropic' }, /set\.system must not be set/],
    ...['stream', 'tools', 'tool_choice'].flatMap((name) =>
      ['chat', 'responses', 'anthropic'].map((backend): [object, object, RegExp] => [
        { set: { [name]: 1 } },
        { backend },
        /must not be set/,
      ]),
    ),
    [{ set: { a: 1, 'a.b': 2 } }, {}, /set\.a\.b is inside a, which is set as well: leave one of them/],
    [{ set: { 'a..b': 1 } }, {}, /must be a path of members, such as metadata\.team/],
    [{ set: { '': 1 } }, {}, /must be a path of members/],
    [{ set: { 'a.__proto__.b': 1 } }, {}, /must not hold __proto__/],
    [{ set: ['a'] }, {}, /send\.set must have members, such as/],
    [{ set: { a: '${tenants}' } }, {}, /needs the environment variable tenants, .*: did you mean tenant\?/],
    [{ set: { a: ['${header:}'] } }, {}, /send\.set\.a\.0 has \$\{header:\}, which must name a header/],
    [{ set: { a: '${headr:x}' } }, {}, /has \$\{headr:x\}, which is nothing that is known: did you mean header\?/],
    [{ set: { a: '${header:Authorization}' } }, {}, /is the client's credential here: no other server gets that/],
    ...['cookie', 'x-api-key', 'proxy-authorization', 'x-antiphon-hop'].map((name): [object, object, RegExp] => [
      { headers: { set: { a: `\${header:${name}}` } } },
      {},
      /no other server gets that/,
    ]),
    ...[
      ...['authorization', 'Host', 'content-length', 'transfer-encoding', 'connection', 'content-type'],
      ...['accept-encoding', 'x-antiphon-hop', 'te', 'expect'],
    ].flatMap((name): [object, object, RegExp][] =>
      [{ set: { [name]: 'x' } }, { add: { [name]: 'x' } }, { remove: [name] }].map((headers) => [
        { headers },
        {},
        /is a header that is not for rules: it belongs to the connection, or holds the key/,
      ]),
    ),
    [
      { headers: { remove: ['x-api-key'] } },
      { backend: 'anthropic' },
      /headers\.remove has x-api-key, in which the key/,
    ],
    [{ headers: { set: { 'x-a': 'a\r\nb: c' } } }, {}, /headers\.set\.x-a must be one line that a header can hold/],
    [{ headers: { set: { 'x-a': 'ł' } } }, {}, /must be one line that a header can hold/],
    [{ headers: { set: { 'x-a': 5 } } }, {}, /must be a text, in quotes where it is a number/],
    [{ headers: { set: { 'x a': 'b' } } }, {}, /must be the name of a header, such as x-team/],
    [{ headers: { set: { 'X-A': '1', 'x-a': '2' } } }, {}, /must not have a header twice/],
    [{ headers: { set: { 'x-a': '1' }, remove: ['X-A'] } }, {}, /has x-a in two of set, add and remove/],
    [{ headers: { drop: ['x-a'] } }, {}, /headers\.drop is not a key that is known/],
    [{ omit: ['${user}s'] }, {}, /needs the environment variable user, which is not set; what the caller has .* only/],
  ];
  for (const [send, entry, message] of wrong) assert.match(refusal(send, entry) ?? 'taken', message);
  assert.equal(
    refusal({ set: { 'stream_options.x': 1, 'text.verbosity': 'low', 'chat_template_kwargs.a': true } }),
    undefined,
  );
  assert.equal(refusal({ headers: { set: { 'x-api-key': 'x' } } }), undefined, 'no key of this protocol');
  assert.throws(
    () => readConfig({ prompts: [{ id: 'p', version: '1', instructions: 'Of ${header:x-team}' }] }, { env }),
    /instructions has \$\{header:x-team\}, which is known in `send\.set` and `send\.headers` of an entry of `models` only/,
  );
});

test('members are set in a copy, over objects on their way and in place of anything else', () => {
  const request = { user: 'u', metadata: { a: '1', b: { c: 1 } }, text: 'none', list: [1] };
  const before = structuredClone(request);
  const set = {
    'metadata.b.d': 2,
    'text.verbosity': 'low',
    'list.0': 'x',
    'new.deep': null,
    user: '${user}',
    'metadata.a': '${key}',
  };
  assert.deepEqual(withMembers(request, set, { user: 'w' }), {
    user: 'w',
    metadata: { b: { c: 1, d: 2 } },
    text: { verbosity: 'low' },
    list: { '0': 'x' },
    new: { deep: null },
  });
  assert.deepEqual(request, before);
  assert.deepEqual(withMembers({ a: 1 }, { 'b.c': '${user}', 'constructor.x': 1 }, {}), {
    a: 1,
    constructor: { x: 1 },
  });
});

test('what is not known is left out, and nobody else is known by a name of JavaScript’s', () => {
  const value = { a: '${user}', b: ['${user}', 'x'], c: { d: '${header:toString}' }, e: '$user ${other} ${}' };
  assert.deepEqual(withValues(value, {}), { b: ['x'], c: {}, e: '$user ${other} ${}' });
  assert.deepEqual(withValues(value), { b: ['x'], c: {}, e: '$user ${other} ${}' });
  assert.equal(
    withValues('${user}', { user: '${tenant} $& $1' }),
    '${tenant} $& $1',
    'what is filled in is not read again',
  );
});

test('a header holds whatever a name or a header has in it, and no two names are one', () => {
  const header = (value: string, name = 'user') => headerWithValues(`\${${name}}`, { [name]: value });
  assert.equal(header('jane@example.com|1, "x"'), 'jane@example.com|1, "x"');
  assert.equal(header('a\r\nx-admin: 1'), 'a%0D%0Ax-admin: 1');
  assert.equal(header('Jürgen 😀'), 'J%C3%BCrgen %F0%9F%98%80');
  assert.notEqual(header('J%C3%BCrgen'), header('Jürgen'));
  assert.notEqual(header(' a'), header('a'));
  assert.notEqual(header('a '), header('a'));
  assert.match(header('\ud800') ?? '', /^%EF%BF%BD$/);
  const own = 'header:x-team';
  assert.equal(header('k=v;p=50%25, \xc3\xbc', own), 'k=v;p=50%25, \xc3\xbc', 'as it came');
  assert.equal(header('a\r\n\0\x7fb', own), 'a%0D%0A%00%7Fb');
  assert.equal(header('ł', own), '%C5%82', 'of a runtime that reads headers as UTF-8');
  for (const value of ['a\nb', '\u2028', 'x'.repeat(300), '😀', '\ud800', '\0'])
    for (const name of ['user', own]) assert.doesNotThrow(() => new Headers({ a: header(value, name) ?? '' }));
});

test('the text of a header is UTF-8 in a body where it is that, and as it came where not', () => {
  const text = (value: string) => withValues('${header:a}', { 'header:a': value });
  assert.equal(text('bl\xc3\xbc'), 'blü');
  assert.equal(text('bl\xfc'), 'blü');
  assert.equal(text('blü ł'), 'blü ł');
});

test('headers are set, added and removed, and one that is set to nothing known is left out', () => {
  const ours = { accept: 'text/event-stream', traceparent: '00-1', authorization: 'Bearer k' };
  const rules = {
    set: { 'x-team': '${header:x-team}', accept: 'application/json', 'x-user': '${user}' },
    add: { traceparent: 'x', 'x-tags': 'a', 'x-more': '${user}' },
    remove: ['x-none', 'constructor'],
  };
  assert.deepEqual(withHeaderRules(ours, rules, { 'header:x-team': 'blue' }), {
    accept: 'application/json',
    traceparent: '00-1, x',
    authorization: 'Bearer k',
    'x-team': 'blue',
    'x-tags': 'a',
  });
  assert.deepEqual(withHeaderRules(ours, { set: { accept: '${user}' }, remove: ['traceparent'] }, undefined), {
    authorization: 'Bearer k',
  });
  assert.equal(ours.accept, 'text/event-stream');
});

test('of a request only what rules refer to is read, and without rules nothing', () => {
  assert.equal(requestValuesReader([]), undefined);
  const asked: string[] = [];
  const header = (name: string) => {
    asked.push(name);
    return name === 'x-team' ? 'blue' : '';
  };
  const reader = requestValuesReader(['user', 'tenant', 'project', 'header:x-team', 'header:x-empty', 'user']);
  assert.deepEqual(reader?.read({ user: 'u', key: 'k' }, header), {
    user: 'u',
    tenant: 'default',
    'header:x-team': 'blue',
  });
  assert.deepEqual(asked, ['x-team', 'x-empty']);
  assert.throws(() => reader?.read({}, () => 'x'.repeat(8_193)), ApiError);
  assert.deepEqual(headersAmong({ user: 'u', 'header:x-team': 'blue' }), { 'x-team': 'blue' });
  assert.equal(headersAmong({ user: 'u' }), undefined);
});

test('what a job keeps of headers is read back, and anything else is not', () => {
  const origin = { version: 1, request_id: 'r', headers: { 'x-team': 'blue', 'x-n': 1 } };
  assert.deepEqual(readRequestOrigin(JSON.stringify(origin))?.headers, { 'x-team': 'blue' });
  assert.equal(readRequestOrigin(JSON.stringify({ ...origin, headers: 'x' }))?.headers, undefined);
});
