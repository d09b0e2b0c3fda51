import { demo } from '../../handler/backend/demo.ts';
import { parseConfig } from '../../handler/config/index.ts';
import { modelsOf } from '../../handler/routing/models.ts';
import { anyServer } from '../support/backend-contract.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { ask, type Case, many } from './scene.ts';

const user = { role: 'user', content: 'x' };
const pairs = (count: number, idOf: (n: number) => string) =>
  many(count, (n) => [
    { type: 'function_call', call_id: idOf(n), name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: idOf(n), output: '' },
  ]).flat();
const functions = (count: number, more: object = {}) =>
  many(count, (n) => ({ type: 'function', name: `f${n}`, ...more }));
const allowing = (tools: object[]) => ({ type: 'allowed_tools', mode: 'auto', tools });

/** The same for each protocol: what stands behind a plan is translated in a way of its own. */
const inEachProtocol = (says: string, size: number, body: (n: number) => object): Case[] =>
  (['script', 'native', 'anthropic'] as const).map((kind) => ({
    says: `${says} (${kind})`,
    size,
    run: (scene, n) => ask(scene, { kind, ...body(n) }),
  }));

/** A message of Anthropic's API, which goes to each protocol as well. */
const asMessage = (says: string, size: number, body: (n: number) => object): Case[] =>
  (['script', 'anthropic'] as const).map((kind) => ({
    says: `${says} (${kind}, by the Messages API)`,
    size,
    run: (scene, n) => ask(scene, { kind, path: '/v1/messages', max_tokens: 100, ...body(n) }),
  }));
const said = (...content: object[]) => ({ messages: [{ role: 'user', content }] });

/** What a client can make long. */
export const requests: Case[] = [
  ...asMessage('messages', 1_250, (n) => ({ messages: many(n, () => user) })),
  ...asMessage('blocks of a message', 4_000, (n) => said(...many(n, () => ({ type: 'text', text: 'x' })))),
  ...asMessage('calls and results', 400, (n) => ({
    messages: many(n, (at) => [
      user,
      { role: 'assistant', content: [{ type: 'tool_use', id: `c${at}`, name: 'f', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: `c${at}`, content: 'x' }] },
    ]).flat(),
  })),
  ...asMessage('tools that are named again and again', 600, (n) => ({
    tools: many(64, (at) => ({ name: `f${at}`, input_schema: { type: 'object' }, defer_loading: true })),
    messages: [
      user,
      ...many(n, (at) => ({
        role: 'system',
        content: [{ type: 'tool_addition', tool: { type: 'tool_reference', name: `f${at % 64}` } }],
      })),
    ],
  })),
  ...inEachProtocol('items', 1_250, (n) => ({ input: many(n, () => user) })),
  ...inEachProtocol('developer messages between others', 600, (n) => ({
    input: many(n, () => [user, { role: 'developer', content: 'x' }]).flat(),
  })),
  ...inEachProtocol('calls and outputs', 600, (n) => ({ input: [user, ...pairs(n, (at) => `c${at}`)] })),
  ...inEachProtocol('calls of one id', 600, (n) => ({ input: [user, ...pairs(n, () => 'c')] })),
  ...inEachProtocol('parts of a message', 4_000, (n) => ({
    input: [{ role: 'user', content: many(n, () => ({ type: 'input_text', text: 'x' })) }],
  })),
  {
    says: "parts of an agent's message",
    size: 4_000,
    run: (scene, n) =>
      ask(scene, { input: [{ type: 'agent_message', content: many(n, () => ({ type: 'input_text', text: 'x' })) }] }),
  },
  {
    says: 'hosted tools that are left out',
    size: 128,
    run: (scene, n) => ask(scene, { tools: many(n, (at) => ({ type: `web_search_2025_08_${10 + (at % 90)}` })) }),
  },
  {
    says: 'tools',
    size: 128,
    run: (scene, n) => ask(scene, { tools: functions(n) }),
  },
  {
    says: 'tools, of which a text has to call one',
    size: 100,
    run: (scene, n) => {
      const parameters = { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } };
      return ask(scene, { kind: 'written', tools: functions(n, { parameters }), tool_choice: 'required' });
    },
  },
  {
    says: 'tools, of which a list allows many',
    size: 128,
    run: (scene, n) => ask(scene, { tools: functions(n), tool_choice: allowing(functions(128)) }),
  },
  {
    says: 'tools that were found, where a list allows what is found',
    size: 125,
    run: (scene, n) => {
      const tools = functions(n, { defer_loading: true });
      const found = [
        { type: 'tool_search_call', call_id: 'c', arguments: {} },
        { type: 'tool_search_output', call_id: 'c', tools },
      ];
      return ask(scene, {
        input: [user, ...found],
        tools: [search('client')],
        tool_choice: allowing([search('client')]),
      });
    },
  },
  {
    says: 'tools that wait to be found',
    size: 125,
    run: (scene, n) => ask(scene, { tools: [search('server'), ...functions(n, { defer_loading: true })] }),
  },
  {
    says: 'words of a search among many tools',
    size: 100,
    run: (scene, n) => {
      const description = many(n, (at) => `word${at}`).join(' ');
      const query = many(n, (at) => `other${at}`).join(' ');
      return ask(scene, {
        tools: [search('server'), ...functions(100, { defer_loading: true, description })],
        script: [callsFunctions({ name: 'tool_search', args: JSON.stringify({ query }) }), says('ok')],
      });
    },
  },
  {
    says: 'members of a namespace',
    size: 128,
    run: (scene, n) => ask(scene, { tools: [{ type: 'namespace', name: 'n', description: 'd', tools: functions(n) }] }),
  },
  {
    says: 'entries of include',
    size: 10_000,
    run: (scene, n) => ask(scene, { include: many(n, () => 'reasoning.encrypted_content') }),
  },
  {
    says: 'citations that are repeated',
    size: 4_000,
    run: (scene, n) => {
      const annotations = many(n, (index) => ({ type: 'file_path', file_id: 'f', index }));
      const said = { role: 'assistant', content: [{ type: 'output_text', text: 'x', annotations }] };
      return ask(scene, { input: [user, said, user] });
    },
  },
  {
    says: 'commands',
    size: 10_000,
    run: (scene, n) => {
      const commands = many(n, () => 'ls');
      const call = { type: 'shell_call', call_id: 'c', action: { commands } };
      return ask(scene, { input: [user, call, { type: 'shell_call_output', call_id: 'c', output: [] }] });
    },
  },
  {
    says: 'a text without a space that is counted',
    size: 50_000,
    run: ({ send }, n) => send('/v1/responses/input_tokens', { model: 'demo', input: 'x'.repeat(n) }),
  },
  {
    says: 'a history, and what it is gone on from with',
    size: 1_250,
    async run(scene, n) {
      const { id } = await ask(scene, { input: many(n, () => user), store: true });
      for (let time = 0; time < 3; time++) await ask(scene, { previous_response_id: id, store: true });
    },
  },
  {
    says: 'references',
    size: 250,
    async run(scene, n) {
      const mark = crypto.randomUUID();
      const ids = many(n, (at) => `msg_${mark}_${at}`);
      await ask(scene, { input: ids.map((id) => ({ ...user, id })), store: true });
      await ask(scene, { input: ids.map((id) => ({ type: 'item_reference', id })) });
    },
  },
  {
    says: 'a name of a model, and the patterns that it may fit',
    size: 20_000,
    async run(_, n) {
      const models = modelsOf(
        ['*a*a*a*a*b', '*ab*', '*'].map((match) => ({
          match,
          servers: [{ backend: demo, address: { backend: 'demo', urlHost: null }, profile: anyServer }],
        })),
      );
      const names = ['a'.repeat(n), `${'c'.repeat(n)}b`, `a${'ac'.repeat(n / 2)}b`];
      for (let time = 0; time < 100; time++) for (const name of names) models.find(name);
    },
  },
  {
    says: 'prompts of a configuration',
    size: 1_000,
    run: async (_, n) => parseConfig({ prompts: many(n, (at) => ({ id: `p${at}`, version: '1' })) }),
  },
];

function search(execution: 'client' | 'server') {
  return { type: 'tool_search', execution };
}
