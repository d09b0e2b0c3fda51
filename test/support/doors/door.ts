// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names what rules send on

import OpenAI from 'openai';
import { type Config, parseConfig } from '../../../handler/index.ts';
import { HEAD_MS, type ScriptedModel } from '../model/scripted.ts';
import { UNREACHABLE } from '../ports.ts';

/** The ways into the product that the promises are tried through. */
export type DoorName =
  | 'in-process'
  | 'node-http'
  | 'workerd'
  | 'deno'
  | 'bun'
  | 'envoy-streamed'
  | 'envoy-buffered'
  | 'envoy-original';

/** One way into a running product whose models are scripted. */
export interface Door {
  readonly name: DoorName;
  /** Sends a request to a path such as `/v1/responses`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The official client, without retries. */
  readonly client: OpenAI;
  readonly model: ScriptedModel;
  close(): Promise<void>;
}

/**
 * Limits of the products under test: small, so that passing one takes little time, and yet many times what anything else takes
 * there, however busy the machine is.
 */
export const testLimits = {
  idle: '4s',
  head: `${HEAD_MS}ms`,
  turn: '12s',
  keepAlive: '100ms',
  rounds: 4,
  tool: '5s', // longer than `idle`, which is for models
  toolCalls: 3,
  toolResult: '64KiB',
  reply: '1MiB',
  history: '3MiB',
  inflated: '8MiB',
  counting: '4s',
  inFlight: '512MiB', // the default of Workers takes no body of 32 MiB
};

/** Prompts that the product under test keeps. */
const testPrompts = [
  { id: 'greeting', version: '1', input: [{ role: 'user', content: 'Hello.' }] },
  {
    id: 'greeting',
    version: '2',
    instructions: 'Be kind to {{name}}.',
    input: [{ role: 'user', content: 'Tell {{ name }} of {{topic}}.' }],
  },
  {
    id: 'picture',
    version: '1',
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Look:' },
          { type: 'input_text', text: '{{picture}}' },
        ],
      },
    ],
  },
];

/** The origin whose pages may call the products under test. */
export const testOrigin = 'https://app.example';

/** The name by which clients may call the products under test. */
export const testHost = 'api.example';

/** What seals under test. */
export const testSecrets = [{ id: 'k1', key: 'the key of the tests, k1, 32 bytes' }];

/** What the webhooks of every product under test are signed with. */
export const testWebhookSecret = 'whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM=';

/**
 * Models whose servers count in one way, or in none, by the backend that each kind's name begins with: apart from each other,
 * since a backend remembers what its server does not offer.
 */
const countedKinds = [
  ...['chat-request', 'chat-messages', 'chat-template', 'chat-never', 'chat-failing', 'chat-garbled', 'chat-once'],
  ...['responses-count', 'responses-never', 'anthropic-count', 'anthropic-never'],
];

/** The configuration of every product under test: all models scripted, but `down`, whose server is not there, and `demo`. */
export function testConfig(model: ScriptedModel): Config {
  return parseConfig(testConfigFile(model));
}

/** What the configuration says of the requests to one server, over all that is known of it. */
export const testSend = {
  omit: ['verbosity', 'user'],
  keep: ['prompt_cache_key', 'reasoning_content'],
  rename: { max_tokens: 'max_new_tokens', safety_identifier: 'end_user' },
  systemMessages: 'anywhere',
  nullContent: false,
  parallelToolCalls: true,
};

/** What it sends on of clients' requests, with names that all protocols take. */
const testSent = {
  omit: ['temperature'],
  set: {
    'metadata.team': '${header:x-team}',
    'metadata.tenant': '${tenant}',
    'metadata.user': '${user}',
    temperature: 0.5,
    'extra.deep.list': ['of ${header:x-team}', '${header:x-none}', 1, { team: '${header:x-none}' }],
    service_tier: '${header:x-none}',
  },
  headers: {
    set: { 'X-Team': '${header:X-Team}', 'x-tenant': 'tenant ${tenant}', 'x-none': 'a ${header:x-none}' },
    add: { accept: 'text/plain', 'x-tags': '${header:x-tags}' },
    remove: ['x-stainless-lang', 'traceparent'],
  },
};

/** Models that all who use them may use as much in a minute. */
const limitedModels = [
  ...['limited-socket-*', 'limited-*'].map((match) => ({ match, limits: { requestsPerMinute: 3 } })),
  { match: 'frugal-*', limits: { tokensPerMinute: 120 } },
];

/** What the connectors of the products under test are sent, and no client knows. */
export const testConnectorToken = 'the-token-of-the-connectors';

/** Connectors of the products under test: what is at their paths, tests say. */
function testConnectors(model: ScriptedModel): object[] {
  const headers = { authorization: `Bearer ${testConnectorToken}` };
  const at = (label: string) => ({ label, url: new URL(`/mcp/${label}`, model.url).href, headers });
  return [
    { ...at('open'), requireApproval: 'never' },
    { ...at('narrow'), allowedTools: ['add', 'get'], requireApproval: { never: { toolNames: ['get'] } } },
    { ...at('of-others'), tenants: ['others'] },
    { ...at('of-admins'), scopes: ['admin'] },
  ];
}

/** The configuration of `testConfig`, as a file has it; `limited` are the models with limits. */
export function testConfigFile(model: ScriptedModel, limited: readonly object[] = limitedModels) {
  return {
    models: [
      { match: 'demo', backend: 'demo' },
      { match: 'down', backend: 'chat', url: `http://127.0.0.1:${UNREACHABLE}/v1` },
      ...countedKinds.map((kind) => ({
        match: `${kind}-*`,
        backend: kind.split('-')[0],
        url: model.url,
        key: 'test-key',
        ...(kind === 'chat-request' && { context: 512 }),
      })),
      { match: 'scripted-*', backend: 'chat', url: model.url, key: 'test-key', context: 512 },
      ...limited.map((entry) => ({ ...entry, backend: 'chat', url: model.url })),
      { match: 'refusing-*', backend: 'chat', url: model.url, key: 'test-key', grammars: 'refuse' },
      { match: 'ruled-*', backend: 'chat', url: model.url, key: 'test-key', server: 'groq', send: testSend },
      { match: 'written-*', backend: 'chat', url: model.url, key: 'test-key', send: { writtenCalls: true } },
      ...['responses', 'anthropic', 'chat'].map((backend) => ({
        ...{ match: `sent-${backend}-*`, backend, url: model.url, key: 'test-key', send: testSent },
      })),
      { match: 'native-*', backend: 'responses', url: model.url, key: 'test-key' },
      { match: 'openai-*', backend: 'responses', url: model.url, key: 'test-key', openai: true },
      { match: 'anthropic-*', backend: 'anthropic', url: model.url, key: 'test-key' },
    ],
    tools: testFunctions(model).map((http) => ({ http })),
    webhooks: [{ url: model.hooksUrl, secret: testWebhookSecret }],
    secrets: testSecrets,
    prompts: testPrompts,
    egress: { allow: [new URL(model.url).host] },
    mcp: testConnectors(model),
    hosts: [testHost],
    cors: { origins: [testOrigin] },
    usage: true,
    limits: testLimits,
  };
}

/** The configuration of `testConfigFile` with the search of the scripted pages, and an MCP server whose tools do the other hosted ones. */
export function hostedConfigFile(model: ScriptedModel, limited?: readonly object[]) {
  const file = testConfigFile(model, limited);
  const sandbox = { label: 'sandbox', url: new URL('/mcp/sandbox', model.url).href };
  const hosted = {
    web_search: { provider: 'searxng', url: model.pagesUrl },
    code_interpreter: { mcp: 'sandbox', tool: 'run' },
    file_search: { mcp: 'sandbox', tool: 'look_up' },
    image_generation: { mcp: 'sandbox', tool: 'draw' },
  };
  return { ...file, mcp: [...file.mcp, sandbox], hosted };
}

/** Functions that this server runs, where a request names them. */
function testFunctions({ functionsUrl }: ScriptedModel): object[] {
  const weather = {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  };
  return [
    {
      ...weather,
      url: `${functionsUrl}/200/weather`,
      method: 'POST',
      headers: { Authorization: 'Bearer of-the-function', 'x-user': '${user}' },
    },
    { ...weather, name: 'look_up', url: `${functionsUrl}/200/look_up?units=metric`, method: 'GET' },
    { ...weather, name: 'is_down', url: `${functionsUrl}/503/is_down` },
    { ...weather, name: 'is_away', url: `http://127.0.0.1:${UNREACHABLE}/` },
    { ...weather, name: 'hangs', url: `${functionsUrl}/hangs` },
    { name: 'bare', description: 'Does something.', url: `${functionsUrl}/200/bare` },
  ];
}

/** A door of this name for whatever answers at an origin. */
export function doorAt(
  name: DoorName,
  origin: string,
  model: ScriptedModel,
  close: () => Promise<void>,
  via = fetch,
): Door {
  return {
    name,
    fetch: (path, init) => via(origin + path, init),
    client: new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'test', maxRetries: 0, fetch: via }),
    model,
    close: async () => {
      await close();
      await model.close();
    },
  };
}

/** POSTs a body to `/v1/responses`, as JSON unless it is text already. */
export function post(door: Pick<Door, 'fetch'>, body: unknown, init: RequestInit = {}): Promise<Response> {
  return door.fetch('/v1/responses', {
    method: 'POST',
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  });
}
