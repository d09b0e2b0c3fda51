// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names variables

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseConfig, readConfig } from '../handler/config/index.ts';
import { readSecretFiles } from '../handler/config/secrets.ts';
import { substitute } from '../handler/config/substitute.ts';
import { defaultLimits } from '../handler/limits.ts';
import { startProduct } from '../shim/product.ts';
import { newFolder } from './support/folder.ts';

const chat = { match: '*', backend: 'chat', url: 'http://127.0.0.1:11434/v1' };

test('an empty configuration has every default', () => {
  const config = parseConfig({});
  assert.deepEqual(config, {
    listen: {},
    processes: 1,
    tls: {},
    tenants: {},
    models: undefined,
    database: undefined,
    synchronous: 'normal',
    retention: 30 * 24 * 3_600_000,
    logRetention: 24 * 3_600_000,
    conversationRetention: Number.POSITIVE_INFINITY,
    webhooks: [],
    costs: [],
    usage: false,
    encryptAtRest: false,
    dropTools: ['web_search', 'image_generation'],
    hosted: {},
    prompts: [],
    secrets: [],
    attributes: [],
    telemetry: { content: false, slowBatch: 50 },
    hosts: [],
    mcp: [],
    isolation: 'tenant',
    audit: 'off',
    media: { schemes: ['http', 'https', 'data'], hosts: ['*'] },
    egress: { allow: [] },
    tools: [],
    docs: true,
    cors: { origins: [] },
    errors: 'auto',
    errorDetail: false,
    limits: defaultLimits,
  });
});

test('a preview or a dated type in dropTools is the tool itself', () => {
  const dropTools = ['web_search_preview', 'web_search_2025_08_26', 'image_generation', 'mcp'];
  assert.deepEqual(parseConfig({ dropTools }).dropTools, ['web_search', 'web_search', 'image_generation', 'mcp']);
  assert.deepEqual(parseConfig({ dropTools: [] }).dropTools, []);
});

const secrets = {
  ANTHROPIC_API_KEY: 'a',
  OPENAI_API_KEY: 'b',
  ANTIPHON_KEY: 'c'.repeat(32),
  WEBHOOK_SECRET: 'd'.repeat(16),
};

test('the configuration of the README is one', async () => {
  const page = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const block = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('there is a block of YAML');
  assert.equal(parseConfig(substitute(parse(block), secrets)).limits.turns, defaultLimits.turns);
});

test('the configuration in docs/configuration.md is one, and says the defaults', async () => {
  const page = await readFile(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  const block = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('there is a block of YAML');
  const { limits, retention, logRetention } = parseConfig(substitute(parse(block), secrets));
  const plain = parseConfig({});
  assert.deepEqual([limits, retention, logRetention], [plain.limits, plain.retention, plain.logRetention]);
  for (const name of Object.keys(defaultLimits)) assert.match(block, new RegExp(`^ +${name}: `, 'm'));
});

test('a whole configuration is taken as it is', () => {
  const config = parseConfig({
    listen: { grpc: 'unix:/run/antiphon/grpc.sock', http: '[::1]:8080', envoy: 'localhost:10000', admin: 'off' },
    tls: { http: { cert: 'c.pem', key: 'k.pem' } },
    auth: 'none',
    proof: { value: 'v'.repeat(16) },
    models: [
      { match: 'demo', backend: 'demo' },
      { ...chat, key: 'sk-1' },
    ],
    database: 'sqlite:./data/a.db',
    synchronous: 'full',
    retention: '1.5d',
    conversationRetention: '90d',
    cors: {
      origins: ['*', 'https://app.example', 'http://localhost:5173', 'chrome-extension://abcdefgh', 'http://[::1]:80'],
    },
    errors: 'openai',
    limits: { body: '1MiB', keepAlive: '5s', rounds: 3 },
  });
  assert.equal(config.listen.http, '[::1]:8080');
  assert.deepEqual([config.auth, config.proof], ['none', { header: 'x-antiphon-proof', value: 'v'.repeat(16) }]);
  assert.deepEqual(config.models, [
    { match: 'demo', backend: 'demo' },
    { ...chat, key: 'sk-1' },
  ]);
  assert.deepEqual([config.database, config.synchronous], [{ url: 'sqlite:./data/a.db' }, 'full']);
  assert.equal(config.retention, 36 * 3_600_000);
  assert.equal(config.conversationRetention, 90 * 24 * 3_600_000);
  assert.equal(config.errors, 'openai');
  assert.deepEqual(config.cors.origins.slice(0, 2), ['*', 'https://app.example']);
  assert.deepEqual(config.limits, { ...defaultLimits, body: 1024 ** 2, keepAlive: 5_000, rounds: 3 });
});

test('sizes and times have units', () => {
  const sizes = { '1B': 1, '512B': 512, '64KiB': 65_536, '1.5MiB': 1_572_864, '1GiB': 1_073_741_824 };
  for (const [text, bytes] of Object.entries(sizes)) {
    assert.equal(parseConfig({ limits: { reply: text } }).limits.reply, bytes, text);
  }
  const times = { '5ms': 5, '600s': 600_000, '0.5s': 500, '2m': 120_000, '1h': 3_600_000 };
  for (const [text, milliseconds] of Object.entries(times)) {
    assert.equal(parseConfig({ limits: { turn: text } }).limits.turn, milliseconds, text);
  }
});

const twice = (entry: object) => [entry, entry];

const wrong: [unknown, RegExp][] = [
  [null, /^configuration: it must be a mapping/],
  ['text', /^configuration: it must be a mapping/],
  [{ listen: 'here' }, /listen must be a mapping/],
  [{ listen: { ftp: '127.0.0.1:21' } }, /listen\.ftp is not a key that is known/],
  [{ listen: { grpc: 50_051 } }, /listen\.grpc must be a text/],
  [{ listen: { http: '8080' } }, /listen\.http must be HOST:PORT/],
  [{ listen: { envoy: '127.0.0.1:70000' } }, /listen\.envoy must have a port/],
  [{ listen: { envoy: 'unix:/run/envoy.sock' } }, /listen\.envoy must be HOST:PORT, such as .*, or off/],
  [{ listen: { http: 'unix:' } }, /listen\.http must be HOST:PORT, such as .*, or unix:PATH, or off/],
  [{ tls: { http: { cert: 'c.pem' } } }, /tls\.http\.key is missing/],
  [{ tls: { grpc: { cert: '', key: 'k.pem' } } }, /tls\.grpc\.cert must name a file/],
  [{ tls: { grpc: { cert: 'c.pem', key: 'k.pem', ca: 'a.pem' } } }, /tls\.grpc\.ca is not a key that is known/],
  [{ tls: { envoy: {} } }, /tls\.envoy is not a key that is known/],
  [{ proof: {} }, /proof\.value is missing/],
  [{ proof: { value: 'short' } }, /proof\.value must be 16 to 256 printable/],
  [{ proof: { value: 'with spaces in all of it' } }, /proof\.value must be 16 to 256 printable/],
  [
    { proof: { header: 'X-Proof', value: 'v'.repeat(16) } },
    /proof\.header must be the name of a header, in lower case/,
  ],
  [{ listen: { admin: 'on' } }, /listen\.admin must be HOST:PORT, such as .* or off/],
  [{ listen: { admin: '127.0.0.1:70000' } }, /listen\.admin must have a port/],
  [{ models: {} }, /models must be a list/],
  [{ models: [] }, /models must name at least one model/],
  [{ models: [chat, 'gpt'] }, /models\.1 must be a mapping/],
  [{ models: [{ backend: 'demo' }] }, /models\.0\.match is missing/],
  [{ models: [{ match: '', backend: 'demo' }] }, /models\.0\.match must not be empty/],
  [{ models: [{ match: '*' }] }, /models\.0\.backend is missing/],
  [{ models: [{ match: '*', backend: 5 }] }, /models\.0\.backend must be a text/],
  [{ models: [{ match: '', backend: 'of-a-root' }] }, /models\.0\.match must not be empty/],
  [{ models: [{ match: '*', backend: 'of-a-root', context: 1 }] }, /models\.0\.context must be/],
  [{ models: [{ match: '*', backend: 'chat' }] }, /models\.0\.url is needed by chat/],
  [{ models: [{ match: '*', backend: 'responses' }] }, /models\.0\.url is needed by .*\bresponses\b/],
  [
    { models: [{ match: '*', backend: 'demo', url: chat.url }] },
    /models\.0\.url is needed by chat, .* and \w+, and unknown to demo$/,
  ],
  [{ models: [{ ...chat, url: '127.0.0.1:11434' }] }, /models\.0\.url must/],
  [{ models: [{ ...chat, url: 'file:///tmp/x' }] }, /models\.0\.url must begin with http:\/\/ or https:\/\/$/],
  [{ models: [{ ...chat, url: 'localhost:8000/v1' }] }, /models\.0\.url must begin with http:\/\/ or https:\/\/$/],
  [{ models: [{ ...chat, url: 'http:host/v1' }] }, /models\.0\.url must begin with http:\/\//],
  [{ models: [{ ...chat, key: 5 }] }, /models\.0\.key must be a text/],
  [{ models: [{ ...chat, grammars: 'obey' }] }, /models\.0\.grammars must be refuse or describe/],
  [{ models: [{ match: '*', backend: 'demo', grammars: 'describe' }] }, /models\.0\.grammars is unknown to demo/],
  [{ models: [{ ...chat, openai: 'yes' }] }, /models\.0\.openai must be true or false/],
  [{ models: [{ ...chat, backend: 'anthropic', openai: true }] }, /models\.0\.openai is known to chat.* and \w+ only$/],
  [
    { models: [{ ...chat, server: 'vlm' }] },
    /models\.0\.server must be openai, azure, vllm, .* or \w+: did you mean vllm\?$/,
  ],
  [{ models: [{ ...chat, backend: 'anthropic', server: 'vllm' }] }, /models\.0\.server is known to chat.* only$/],
  [{ models: [{ ...chat, server: 'vllm', openai: true }] }, /models\.0\.server contradicts `openai`/],
  [{ models: [{ ...chat, server: 'azure', openai: false }] }, /models\.0\.server contradicts `openai`/],
  [{ models: [{ match: '*', backend: 'demo', send: { omit: [] } }] }, /models\.0\.send is unknown to demo/],
  [{ models: [{ ...chat, send: { drop: ['user'] } }] }, /models\.0\.send\.drop is not a key that is known/],
  [
    { models: [{ ...chat, send: { omit: 'user' } }] },
    /models\.0\.send\.omit must be a list of members, such as \[user\]/,
  ],
  [{ models: [{ ...chat, send: { keep: [5] } }] }, /models\.0\.send\.keep\.0 must be the name of a member/],
  [{ models: [{ ...chat, send: { rename: ['user'] } }] }, /models\.0\.send\.rename/],
  [{ models: [{ ...chat, send: { rename: { user: '' } } }] }, /models\.0\.send\.rename\.user must not be empty/],
  [{ models: [{ ...chat, send: { systemMessages: 'last' } }] }, /send\.systemMessages must be first or anywhere/],
  [{ models: [{ ...chat, send: { nullContent: 0 } }] }, /send\.nullContent must be true or false/],
  ...['messages', 'model', 'tools', 'response_format', 'max_output_tokens', 'usr'].map((name): [unknown, RegExp] => [
    { models: [{ ...chat, send: { omit: ['user', name] } }] },
    new RegExp(`models\\.0\\.send has ${name}, which chat .*: it may have temperature, .* and service_tier$`),
  ]),
  [{ models: [{ ...chat, keys: 'a' }] }, /models\.0\.keys is not a key that is known/],
  [{ cors: {} }, /cors\.origins is missing/],
  [{ cors: ['*'] }, /cors\.origins is missing/],
  [{ cors: { origins: '*' } }, /cors\.origins must be a list/],
  [{ cors: { origins: [], headers: [] } }, /cors\.headers is not a key that is known/],
  ...['https://app.example/', 'https://App.example', 'app.example', 'https://*.example', 'null', 'https://a@b', ''].map(
    (origin): [unknown, RegExp] => [{ cors: { origins: [origin] } }, /cors\.origins\.0 must be \* or an origin/],
  ),
  [{ hosts: 'api.example' }, /hosts must be a list/],
  ...['https://api.example', 'api.example:443', 'API.example', '*.example', '', '.', 'a b', '[::1]'].map(
    (host): [unknown, RegExp] => [{ hosts: [host] }, /hosts\.0 must be a host name such as api\.example/],
  ),
  [{ costs: { match: '*', cel: '1u' } }, /costs must be a list/],
  [{ costs: [{ match: '*' }] }, /costs\.0\.cel is missing/],
  [{ costs: [{ cel: '1u' }] }, /costs\.0\.match is missing/],
  [{ costs: [{ match: '', cel: '1u' }] }, /costs\.0\.match must not be empty/],
  [{ costs: [{ match: '*', cel: 5 }] }, /costs\.0\.cel must be a text/],
  [{ costs: [{ match: '*', name: 'Cost', cel: '1u' }] }, /costs\.0\.name must be 1 to 64 small letters/],
  [{ costs: [{ match: '*', name: 'finish', cel: '1u' }] }, /costs\.0\.name must be none of backend, .*finish/],
  [
    { attributes: [{ header: 'x-tenant', as: 'tenant', on: ['log', 'metadata'] }] },
    /attributes\.0\.as is a name that the metadata has already/,
  ],
  [{ costs: [{ match: '*', expression: '1u' }] }, /costs\.0\.expression is not a key that is known/],
  [
    { attributes: [{ header: 'Authorization', as: 'who' }] },
    /attributes\.0\.header must not be a header with a secret/,
  ],
  [{ attributes: [{ header: 'x-api-key', as: 'who' }] }, /attributes\.0\.header must not be a header with a secret/],
  [{ attributes: [{ header: 'x team', as: 'team' }] }, /attributes\.0\.header must be the name of a header/],
  [{ attributes: [{ header: 'x-team' }] }, /attributes\.0\.as is missing/],
  [
    { attributes: [{ header: 'x-team', as: 'gen_ai.team' }] },
    /attributes\.0\.as is a name that traces or metrics have/,
  ],
  [{ attributes: [{ header: 'x-team', as: 'le' }] }, /attributes\.0\.as is a name that traces or metrics have/],
  [{ attributes: [{ header: 'x-team', as: 'Team' }] }, /attributes\.0\.as must be small letters/],
  [
    { attributes: [{ header: 'x-team', as: 'team', on: ['traces'] }] },
    /attributes\.0\.on\.0 must be one of log, spans/,
  ],
  [{ attributes: [{ header: 'x-team', as: 'team', on: [] }] }, /attributes\.0\.on must not be empty/],
  [{ attributes: [{ header: 'x-team', as: 'team', values: 5_000 }] }, /attributes\.0\.values must be at most 1000/],
  [{ attributes: Array.from({ length: 17 }, (_, n) => ({ header: `x-${n}`, as: `a${n}` })) }, /at most 16 entries/],
  [{ attributes: ['x-a', 'x-b'].map((header) => ({ header, as: 'team' })) }, /has the `as` .* of another/],
  [
    { attributes: ['team.name', 'team__name'].map((as) => ({ header: 'x-team', as })) },
    /has the `as` \(in which a dot is an underscore\) of another/,
  ],
  [{ telemetry: { content: 'yes' } }, /telemetry\.content must be true or false/],
  [{ telemetry: { slowBatch: 50 } }, /telemetry\.slowBatch must be a text such as/],
  [{ errorDetail: 'yes' }, /errorDetail must be true or false/],
  [{ errors: 'mine' }, /errors must be auto, tiers or openai/],
  [{ database: { path: 'a.db' } }, /database must be a text/],
  [{ database: { read: 'postgres://a' } }, /database\.url is missing/],
  [{ database: { url: 'postgres://a', raed: 'postgres://b' } }, /database\.raed is not a key .*read\?/],
  [{ synchronous: 'off' }, /synchronous must be normal or full/],
  [{ conversationRetention: 'forever' }, /conversationRetention must be never, or an age such as 90d/],
  [{ retention: '30' }, /retention must be a number with its unit/],
  [{ retention: '101000d' }, /retention must be below a hundred years/],
  [{ limits: { lease: '1d' } }, /limits\.lease must be a number with its unit/],
  [{ limits: { body: 5 } }, /limits\.body must be a text such as 32MiB/],
  [{ limits: { body: '5' } }, /limits\.body must be a number with its unit/],
  [{ limits: { body: '5MB' } }, /limits\.body must be a number with its unit/],
  [{ limits: { body: '600s' } }, /limits\.body must be a number with its unit/],
  [{ limits: { body: '0MiB' } }, /limits\.body must be more than nothing/],
  [{ limits: { inflated: '0.3B' } }, /limits\.inflated must come to a whole number/],
  [{ limits: { reply: '4GiB' } }, /limits\.reply must be below 2 GiB/],
  [{ limits: { idle: '2MiB' } }, /limits\.idle must be a number with its unit/],
  [{ limits: { turn: '-1s' } }, /limits\.turn must be a number with its unit/],
  [{ limits: { turn: '1000h' } }, /limits\.turn must be below/],
  [{ limits: { drain: '2s', linger: '3s' } }, /limits\.linger must be at most limits\.drain/],
  [{ limits: { rounds: '3' } }, /limits\.rounds must be a number/],
  [{ limits: { items: 1.5 } }, /limits\.items must be a whole number/],
  [{ limits: { tools: 0 } }, /limits\.tools must be at least 1$/],
  [{ limits: { rounds: 1_001 } }, /limits\.rounds must be at most 1000$/],
  [{ limits: { perCaller: { turns: '64' } } }, /limits\.perCaller\.turns must be a number/],
  [{ limits: { perCaller: { sockets: -1 } } }, /limits\.perCaller\.sockets must be at least 1$/],
  [{ limits: { perCaller: 64 } }, /limits\.perCaller must be a mapping/],
  [{ limits: { speed: '1s' } }, /limits\.speed is not a key that is known/],
  [{ tenants: ['acme'] }, /tenants must be a mapping of tenants to what each may have/],
  [{ tenants: [{ limits: {} }] }, /tenants must be a mapping of tenants to what each may have/],
  [{ tenants: { acme: 5 } }, /tenants\.acme must be a mapping/],
  [{ tenants: { 'a\nb': {} } }, /tenants\.a\nb must be 1 to 256 characters without controls/],
  [{ tenants: { acme: { limit: {} } } }, /tenants\.acme\.limit is not a key that is known: did you mean limits/],
  [
    { tenants: { acme: { limits: { requestPerMinute: 5 } } } },
    /tenants\.acme\.limits\.requestPerMinute is not a key .* did you mean requestsPerMinute/,
  ],
  [
    { tenants: { acme: { limits: { tokensPerMinute: 0 } } } },
    /tenants\.acme\.limits\.tokensPerMinute must be at least 1$/,
  ],
  [
    { tenants: { acme: { perUser: { limits: { tokensPerMinute: '9' } } } } },
    /perUser\.limits\.tokensPerMinute must be a number/,
  ],
  [{ tenants: { acme: { budgets: [{ amount: 5 }] } } }, /tenants\.acme\.budgets\.0\.window is missing/],
  [{ tenants: { acme: { budgets: [{ amount: 5, window: '5s' }] } } }, /budgets\.0\.window must be at least 1m/],
  [{ tenants: { acme: { budgets: [{ amount: 0.5, window: '1d' }] } } }, /budgets\.0\.amount must be a whole number/],
  [
    { tenants: { acme: { budgets: [5, 6].map((amount) => ({ amount, window: '1d' })) } } },
    /budgets\.1 has the cost and window of another/,
  ],
  [
    { tenants: { acme: { budgets: [{ amount: 5, window: '1d' }] } } },
    /tenants\.acme\.budgets\.0\.cost is none of `costs`, which has none/,
  ],
  [
    { costs: [{ match: '*', name: 'gpu', cel: '1u' }], models: [{ ...chat, budgets: [{ amount: 5, window: '1d' }] }] },
    /models\.0\.budgets\.0\.cost must be one of those of `costs`: gpu/,
  ],
  [{ models: [{ ...chat, limits: { turns: 5 } }] }, /models\.0\.limits\.turns is not a key that is known/],
  // Keys of what is not there yet.
  [{ auth: 'keys' }, /auth must be none, or a list/],
  [{ auth: [] }, /auth must not be empty/],
  [{ auth: [{}] }, /auth\.0 must have one of keys, envoy/],
  [{ auth: [{ envoi: {} }] }, /auth\.0\.envoi .* did you mean envoy/],
  [{ auth: [{ keys: [], envoy: { certificate: {} } }] }, /auth\.0 must have one of keys, envoy/],
  [{ auth: [{ envoy: {} }] }, /auth\.0\.envoy must have metadata, certificate or headers/],
  [
    { auth: [{ envoy: { certificate: {}, metadata: { namespace: 'n', user: 'sub' } } }] },
    /auth\.0\.envoy has certificate and something else: each needs an entry of its own/,
  ],
  [{ auth: [{ envoy: { metadata: { user: 'a..b' } } }] }, /namespace is missing\n.*user must be a path without empty/],
  [
    { auth: [{ envoy: { metadata: { namespace: 'n', project: 'p' } } }] },
    /metadata must say where the tenant is, or the/,
  ],
  [{ auth: [{ envoy: { headers: { user: 'X-User' } } }] }, /headers\.user must be the name of a header, in lower case/],
  [{ auth: [{ envoy: { headers: { scopes: 'x-s' } } }] }, /headers must say where the tenant is/],
  [{ auth: [{ envoy: { certificate: { field: 'san' } } }] }, /certificate\.field must be one of uri, dns, subject/],
  ...['', 'x', '{project}', '{usr}', '{user}{tenant}', '{user}-{tenant}', '{user}/{user}', '{user', '{user}/}'].map(
    (pattern): [object, RegExp] => [
      { auth: [{ envoy: { certificate: { pattern } } }] },
      pattern ? /certificate has a pattern that is none/ : /pattern must not be empty/,
    ],
  ),
  [{ auth: [{ keys: [{ id: 'K', sha256: 'x' }] }] }, /auth\.0\.keys\.0\.id must be.*\n.*sha256 must be/],
  [{ auth: [{ keys: [{ id: 'k', sha256: '0'.repeat(64), expires: '2027-02-31x' }] }] }, /expires must be a date/],
  [{ auth: [{ keys: [{ id: 'k', sha256: '0'.repeat(64), scops: [] }] }] }, /did you mean scopes/],
  [
    { hosted: { web_search: { provider: 'google' } } },
    /hosted\.web_search\.provider must be one of searxng, brave, tavily, exa/,
  ],
  [{ hosted: { web_search: {} } }, /hosted\.web_search must have provider, or mcp and tool$/],
  [
    { hosted: { web_search: { provider: 'exa', key: 'k', mcp: 'a', tool: 'b' } } },
    /hosted\.web_search must have provider, or mcp and tool, and not both/,
  ],
  [{ hosted: { web_search: { provider: 'searxng' } } }, /hosted\.web_search\.url must be the address of your SearXNG/],
  [
    { hosted: { web_search: { provider: 'brave' } } },
    /hosted\.web_search\.key must be the key of a provider that has keys/,
  ],
  [
    { hosted: { web_search: { provider: 'searxng', url: 'http://s:8888', key: 'k' } } },
    /hosted\.web_search\.key .* searxng has none/,
  ],
  [{ hosted: { websearch: {} } }, /hosted\.websearch is not a key that is known.*web_search/],
  [{ isolation: 'users' }, /isolation must be tenant or user: did you mean user/],
  [{ dropTools: ['web_search', 7] }, /dropTools\.1 must be a text/],
  [{ dropTools: ['function'] }, /dropTools\.0 must be one of web_search/],
  [{ secrets: [{ id: 'k1', key: 'short' }] }, /secrets\.0\.key must be at least 16 characters/],
  [{ secrets: [{ id: 'k 1', key: 'x'.repeat(16) }] }, /secrets\.0\.id must be 1 to 32/],
  [{ secrets: twice({ id: 'k1', key: 'x'.repeat(16) }) }, /secrets\.1 has the id of another/],
  [{ prompts: twice({ id: 'a', version: '1' }) }, /prompts\.1 has the id and version of another/],
  [{ webhooks: [{ url: 'http://h/', secret: 'short' }] }, /webhooks\.0\.secret must be whsec_ and base64/],
  [{ webhooks: [{ url: 'http://h/', secret: `whsec_${'A'.repeat(25)}` }] }, /webhooks\.0\.secret must be whsec_/],
  [{ webhooks: [{ url: 'http://u:p@h/', secret: 'x'.repeat(16) }] }, /webhooks\.0\.url must not hold a user/],
  [{ webhooks: twice({ url: 'http://h/', secret: 'x'.repeat(16) }) }, /webhooks\.1 has the URL of another/],
];

for (const [value, message] of wrong) {
  test(`refused: ${JSON.stringify(value)}`, () => {
    assert.throws(() => parseConfig(value), { message });
  });
}

for (const database of ['sqlite:', 'mysql://h/d', 'data/a.db', 'toString:a']) {
  test(`refused as it starts: ${database}`, async () => {
    const message = /^configuration: database must be sqlite:PATH, or sqlite::memory: for /;
    const listen = { grpc: 'off', http: `unix:${newFolder()}/http.sock`, envoy: 'off', admin: 'off' };
    await assert.rejects(startProduct({ config: { listen, models: [chat], database } }), { message });
  });
}

test('variables of the environment stand for their values, in values only', () => {
  const env = { KEY: 'sk-${OTHER}', HOST: 'h' };
  const file = { models: [{ key: '${KEY}', url: 'http://${HOST}:1/v1', n: 5 }], '${KEY}': null, plain: '$KEY ${}' };
  const models = [{ key: 'sk-${OTHER}', url: 'http://h:1/v1', n: 5 }];
  assert.deepEqual(substitute(file, env), { models, '${KEY}': null, plain: '$KEY ${}' });
  const message = /models\.0\.key needs the environment variable NONE, which is not set$/;
  assert.throws(() => substitute({ models: [{ key: '${NONE}' }] }, env), { message });
});

test('a wrong expression of a cost stops the start, beside all else that is wrong', async () => {
  const costs = [
    { match: 'a', cel: '4 * output_tokens' },
    { match: 'b', cel: 'output_tokens' },
    { match: 'c', cel: 'tokens' },
  ];
  await assert.rejects(
    startProduct({ config: { models: [chat], costs, database: 'oracle:x' } }),
    /database [\s\S]*costs\.0\.cel .*write 4u in place of 4\n.*costs\.2\.cel Unknown variable: tokens/,
  );
});

test('a replica and the role of an administrator are of the same kind of database', async () => {
  const models = [{ match: '*', backend: 'demo' }];
  await assert.rejects(
    startProduct({
      config: { models, database: { url: 'sqlite::memory:', read: 'sqlite:b', admin: 'x', connections: 4 } },
    }),
    {
      message: ['read', 'admin', 'connections']
        .map((key) => `configuration: database.${key} is for PostgreSQL, and database.url is not`)
        .join('\n'),
    },
  );
  await assert.rejects(
    startProduct({ config: { models, database: { url: 'postgres://a', admin: 'sqlite:b' } } }),
    /^Error: configuration: database\.admin must be postgres:.*, as database\.url is$/,
  );
});

test('the connections of a process are a number from 1', () => {
  const url = 'postgres://a';
  assert.equal(parseConfig({ database: { url, connections: 3 } }).database?.connections, 3);
  for (const [connections, says] of [
    [0, /database\.connections must be .*1/],
    [1.5, /database\.connections must be/],
    ['many', /database\.connections must be/],
    [1_001, /database\.connections must be .*1000/],
  ] as const)
    assert.throws(() => parseConfig({ database: { url, connections } }), says);
  assert.throws(
    () => parseConfig({ database: { url, conections: 3 } }),
    /database\.conections .*did you mean connections/,
  );
  assert.throws(() => parseConfig({ database: { connections: 3 } }), /database\.url/);
});

test('a secret that is in a file is read by the Node server only, and any other mapping in its place is a mistake', async () => {
  const file = { file: '/run/secrets/k' };
  const places: [written: object, path: string][] = [
    [{ models: [{ match: '*', backend: 'chat', url: 'http://x/v1', key: file }] }, 'models.0.key'],
    [{ webhooks: [{ url: 'http://x', secret: file }] }, 'webhooks.0.secret'],
    [{ secrets: [{ id: 'k', key: file }] }, 'secrets.0.key'],
    [{ proof: { value: file } }, 'proof.value'],
    [{ database: file }, 'database'],
    [{ database: { url: file } }, 'database.url'],
    [{ database: { url: 'sqlite:a', read: file } }, 'database.read'],
    [{ database: { url: 'sqlite:a', admin: file } }, 'database.admin'],
  ];
  const secret = 'sqlite:a text of 32 bytes, at least'.replaceAll(' ', '-');
  for (const [written, path] of places) {
    assert.throws(() => parseConfig(written), new RegExp(`${path} must be a text: only the Node server reads one`));
    const read: string[] = [];
    const secrets = await readSecretFiles(written, {}, async (path) => {
      read.push(path);
      return secret;
    });
    const config = readConfig(written, { env: {}, secrets });
    assert.deepEqual(read, [file.file]);
    assert.ok(JSON.stringify(config).includes(secret), path);
    const wrong = JSON.parse(JSON.stringify(written).replace('"/run/secrets/k"', '"/k","mode":4'));
    const mistaken = await readSecretFiles(wrong, {}, async () => secret);
    assert.throws(
      () => readConfig(wrong, { env: {}, secrets: mistaken }),
      new RegExp(`^Error: configuration: ${path}.mode is not a key that is known$`),
    );
  }
  const path = ['$', '{FOLDER}/k'].join('');
  const named = { models: [{ match: '*', backend: 'chat', url: 'http://x/v1', key: { file: path } }] };
  const env = { FOLDER: '/run' };
  const { texts } = await readSecretFiles(named, env, async (path) => path);
  assert.deepEqual([...texts.values()], ['/run/k']);
  const unset = await readSecretFiles(named, {}, async (path) => path);
  assert.throws(
    () => readConfig(named, { env: {}, secrets: unset }),
    /^Error: configuration: models\.0\.key\.file needs the environment variable FOLDER, which is not set$/,
  );
});
