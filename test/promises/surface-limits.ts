import assert from 'node:assert/strict';
import { modelRequest, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have } from './state-ask.ts';

const text = (length: number) => 'x'.repeat(length);
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const fn = (name: string) => ({ tools: [{ type: 'function', name }] });
const call = (call_id: string) => ({
  input: [
    { type: 'function_call', call_id, name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id, output: '' },
  ],
});
const image = (image_url: string) => ({ input: [{ role: 'user', content: [{ type: 'input_image', image_url }] }] });
const allowed = (count: number) => ({
  ...fn('f'),
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: Array(count).fill({ type: 'function', name: 'f' }) },
});

/** Values on the bounds and beyond them, with the field that is then named. */
const bounds: [param: string, good: object[], bad: object[]][] = [
  ['max_output_tokens', [{ max_output_tokens: 16 }], [{ max_output_tokens: 15 }]],
  ['max_tool_calls', [{ max_tool_calls: 1 }], [{ max_tool_calls: 0 }]],
  ['temperature', [{ temperature: 0 }, { temperature: 2 }], [{ temperature: -0.01 }, { temperature: 2.01 }]],
  ['top_p', [{ top_p: 0 }, { top_p: 1 }], [{ top_p: -0.01 }, { top_p: 1.01 }]],
  ['presence_penalty', [{ presence_penalty: -2 }, { presence_penalty: 2 }], [{ presence_penalty: 2.01 }]],
  ['frequency_penalty', [{ frequency_penalty: -2 }, { frequency_penalty: 2 }], [{ frequency_penalty: -2.01 }]],
  ['top_logprobs', [{ top_logprobs: 0 }, { top_logprobs: 20 }], [{ top_logprobs: -1 }, { top_logprobs: 21 }]],
  ['metadata', [{ metadata: pairs(16) }], [{ metadata: pairs(17) }]],
  [`metadata.${text(65)}`, [{ metadata: { [text(64)]: '' } }], [{ metadata: { [text(65)]: '' } }]],
  ['metadata.k', [{ metadata: { k: text(512) } }], [{ metadata: { k: text(513) } }]],
  ['safety_identifier', [{ safety_identifier: text(128) }], [{ safety_identifier: text(129) }]],
  ['prompt_cache_key', [{ prompt_cache_key: text(1024) }], [{ prompt_cache_key: text(1025) }]],
  ['input[0].content[0].image_url', [image('data:,x')], [image(''), image(`data:,${text(20_971_521)}`)]],
  ['input[0].call_id', [call('x'), call(text(64))], [call(''), call(text(65))]],
  ['tools[0].name', [fn('x'), fn(text(128)), fn('aZ0_-')], [fn(''), fn(text(129)), fn('a b'), fn('é')]],
  ['tool_choice.tools', [allowed(1), allowed(128)], [allowed(0), allowed(129)]],
];

promise(
  'surface.limits',
  { says: 'values on their bounds are taken, those beyond are 422 and named', source: 'OpenResponses constraints' },
  async (door) => {
    for (const [param, good, bad] of bounds) {
      for (const body of good) await modelRequest(door, body);
      for (const body of bad) await unprocessable(door, body, param);
    }
  },
);

promise(
  'surface.limits-told',
  { says: 'bounds that no body can reach stand in the document', source: 'OpenResponses constraints' },
  async (door) => {
    const document = JSON.stringify(await have(door, 'GET', '/openapi.json'));
    for (const [member, most] of [
      ['image_url', 20_971_520],
      ['file_data', 33_554_432],
    ]) {
      assert.match(document, new RegExp(`"${member}":\\{[^{}]*"maxLength":${most}\\b`));
    }
  },
  NEEDS_HEADERS,
);
