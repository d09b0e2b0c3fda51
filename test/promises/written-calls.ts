import assert from 'node:assert/strict';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { promise } from './promise.ts';

const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' } } };
const tools = [
  { type: 'function', name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  { type: 'function', name: 'g', parameters: { ...node, $defs: { node } } },
];
const [f, g] = tools;

/** The schema of a call, as the server is sent it. */
function called(name: string, args: object) {
  return {
    type: 'object',
    properties: { name: { const: name }, arguments: args },
    required: ['name', 'arguments'],
    additionalProperties: false,
  };
}

/** The second function's schema at another place of a document. */
const movedTo = (at: string) => {
  const moved = { ...node, properties: { next: { $ref: `${at}/$defs/node` } } };
  return { ...moved, $defs: { node: moved } };
};

promise(
  'written-calls.asked',
  {
    says: '`send.writtenCalls`: a call that is required is asked for as JSON of a schema, and the model reads all functions',
    source: 'docs/backends.md',
  },
  async (door) => {
    const ask = async (body: object) => {
      const model = door.model.written(callsFunctions({ name: 'f', args: '{}' }));
      await create(door, { model, tools, ...body });
      const { tools: sent = [], tool_choice, response_format } = door.model.calls(model)[0]?.body ?? {};
      const names = sent.map((tool: { function: { name: string } }) => tool.function.name);
      return { names, tool_choice, schema: response_format?.json_schema.schema };
    };
    const forced = { names: ['f', 'g'], tool_choice: 'required' };
    const either = [called('f', f?.parameters ?? {}), called('g', movedTo('#/anyOf/1/properties/arguments'))];
    const format = { type: 'json_schema', name: 'of_texts', schema: { type: 'object' } };
    for (const text of [undefined, { format }])
      assert.deepEqual(await ask({ tool_choice: 'required', text }), { ...forced, schema: { anyOf: either } });
    assert.deepEqual(await ask({ tool_choice: { type: 'function', name: 'g' } }), {
      ...forced,
      schema: called('g', movedTo('#/properties/arguments')),
    });
    assert.equal((await ask({ tool_choice: 'auto' })).schema, undefined);
    assert.deepEqual((await ask({ tool_choice: 'auto', text: { format } })).schema, { type: 'object' });
    assert.deepEqual((await ask({ tools: [g], tool_choice: 'none' })).names, []);
  },
);

promise(
  'written-calls.read',
  { says: 'a text that is such a call is that call, streamed as any other', source: 'docs/backends.md' },
  async (door) => {
    const model = door.model.written(says('{"na', 'me": "f", "argu', 'ments": {"a"', ':"}\\""', '}}\n', ' '));
    const { events, final } = await stream(door, { model, tools, tool_choice: 'required' });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 function_call in_progress',
      'function_call_arguments.delta 0 {"a"',
      'function_call_arguments.delta 0 :"}\\""',
      'function_call_arguments.delta 0 }',
      'function_call_arguments.done 0 f {"a":"}\\""}',
      'output_item.done 0 function_call completed',
      'completed',
    ]);
    assert.equal(final.status, 'completed');
  },
);

promise(
  'written-calls.unasked',
  {
    says: 'of itself a model may write a call too, also in a block of code; another text is not held back, and a JSON format is none',
    source: 'https://github.com/ollama/ollama/issues/12174',
  },
  async (door) => {
    const block = ['``', '`json\n{"name": "g", "argume', 'nts": {}}\n``', '`\nDone.'];
    const ask = async (texts: readonly string[], body: object = {}, kind: 'written' | 'script' = 'written') => {
      const { events } = await stream(door, { model: door.model[kind](says(...texts)), tools, ...body });
      return outline(events).filter((line) => /delta|done 0 (function_call|message)/.test(line));
    };
    assert.deepEqual(await ask(block), [
      'function_call_arguments.delta 0 {}',
      'output_item.done 0 function_call completed',
    ]);
    const texts = (...parts: string[]) => [
      ...parts.map((part) => `output_text.delta 0.0 ${part}`),
      'output_item.done 0 message completed',
    ];
    assert.deepEqual(await ask(['It ', 'snows.']), texts('It ', 'snows.'));
    assert.deepEqual(await ask(['{"na', 'me": "h"', '}']), texts('{"name": "h"}'));
    const call = ['{"name": "g", ', '"arguments": {}}'];
    const format = { type: 'json_schema', name: 'of_calls', schema: { type: 'object' } };
    assert.deepEqual(await ask(call, { text: { format } }), texts(...call));
    assert.deepEqual(await ask(call, { tool_choice: 'none' }), texts(...call));
    assert.deepEqual(await ask(call, {}, 'script'), texts(...call), 'of a server that is not known for it');
  },
);

promise(
  'written-calls.cut',
  {
    says: 'a written call that is cut is incomplete, and a text that is none stays a text',
    source: 'docs/backends.md',
  },
  async (door) => {
    const ask = async (...texts: string[]) => {
      const deltas = texts.map((content) => ({ content }));
      const model = door.model.written(sends(deltas, 'length'));
      const { output, status } = await create(door, { model, tools, tool_choice: 'required' });
      assert.equal(status, 'incomplete');
      return output.map((item) => {
        if (item.type === 'function_call') return [item.name, item.arguments, item.status];
        return item.type === 'message' && item.content.map((part) => part.type === 'output_text' && part.text);
      });
    };
    assert.deepEqual(await ask('{"name":"f","arguments":{"a":"b'), [['f', '{"a":"b', 'incomplete']]);
    for (const text of ['{"name":"f","argu', '{"name":"h","arguments":{}}', 'No.', `{${' '.repeat(300)}`, '{}'])
      assert.deepEqual(await ask(...text), [[text]]);
  },
);
