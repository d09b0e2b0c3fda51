import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, replies, type Script, says, sends } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { create } from './ask.ts';
import { promise } from './promise.ts';

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }];

/** A script that refuses a body for which this holds, and says something else otherwise. */
function unless(holds: (body: Record<string, unknown>) => boolean, refusal: Script, otherwise: Script): Script {
  return (turn) => (holds(turn.body) ? refusal : otherwise)(turn);
}

/** OpenAI's refusal of a parameter. */
const refusesParam = (param: string) =>
  replies(400, {
    error: {
      message: `Unsupported parameter: '${param}' is not supported with this model.`,
      type: 'invalid_request_error',
      param,
    },
  });

promise(
  'servers.reasoning-back',
  {
    says: 'reasoning goes back to a server in the member in which it came',
    source: 'https://github.com/vllm-project/vllm/issues/38488',
  },
  async (door) => {
    for (const member of ['reasoning', 'reasoning_content']) {
      const thinks: Script = async (turn) => {
        await turn.delta({ [member]: 'Hm, ' });
        await turn.delta({ [member]: 'f.' });
        await callsFunctions({ name: 'f', args: '{}' })(turn);
      };
      const model = door.model.script(thinks, says('ok'));
      const { id, output } = await create(door, { model, tools });
      const call = output.find(({ type }) => type === 'function_call');
      assert.ok(call?.type === 'function_call');
      const answer = { type: 'function_call_output', call_id: call.call_id, output: 'ok' };
      await create(door, { model, tools, previous_response_id: id, input: [answer] });
      const [, again] = door.model.calls(model)[1]?.body.messages ?? [];
      const { role, content, tool_calls, ...reasoning } = again;
      assert.deepEqual(reasoning, { [member]: 'Hm, f.' });
    }
  },
);

promise(
  'servers.refused-member',
  {
    says: 'a refusal of a member that changes no answer: the request goes once more without, and later ones at once',
    source: 'https://github.com/zed-industries/zed/issues/52000, https://github.com/BerriAI/litellm/issues/30835',
  },
  async (door) => {
    const ok = says('ok');
    const usage = (body: Record<string, unknown>) => 'stream_options' in body;
    const unknown = {
      detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }],
    };
    const openaiOk = answers(message('ok'));
    const cases: [model: string, body: object, member: string][] = [
      [door.model.script(unless(usage, refusesParam('stream_options'), ok)), {}, 'stream_options'],
      [door.model.script(unless(usage, replies(422, unknown), ok)), {}, 'stream_options'],
      [door.model.native(unless((body) => 'store' in body, refusesParam('store'), openaiOk)), {}, 'store'],
      [
        door.model.openai(
          unless(
            (body) => 'include' in body,
            replies(400, {
              error: { message: 'Encrypted content is not supported with this model.', param: 'include', code: null },
            }),
            openaiOk,
          ),
        ),
        {},
        'include',
      ],
      [
        door.model.anthropic(
          unless(
            (body) => 'metadata' in body,
            replies(400, {
              type: 'error',
              error: { type: 'invalid_request_error', message: 'metadata: Extra inputs are not permitted' },
            }),
            tells(text('ok')),
          ),
        ),
        { user: 'u' },
        'metadata',
      ],
    ];
    for (const [model, body, member] of cases) {
      await create(door, { model, ...body });
      await create(door, { model, ...body });
      const sent = door.model.calls(model).map((call) => member in call.body);
      assert.deepEqual(sent, [true, false, false], `${model} ${member}`);
    }
  },
);

promise(
  'servers.refused-bound',
  {
    says: 'a server that knows the bound of tokens by its other name gets it by that',
    source: 'https://github.com/enoch3712/ExtractThinker/issues/327',
  },
  async (door) => {
    const told =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    const refusal = replies(400, { error: { message: told, type: 'invalid_request_error', param: 'max_tokens' } });
    const model = door.model.script(unless((body) => 'max_tokens' in body, refusal, says('ok')));
    for (const max_output_tokens of [20, 30]) await create(door, { model, max_output_tokens });
    const bounds = door.model.calls(model).map(({ body }) => [body.max_tokens, body.max_completion_tokens]);
    assert.deepEqual(bounds, [
      [20, undefined],
      [undefined, 20],
      [undefined, 30],
    ]);
  },
);

promise(
  'servers.refused-answer',
  {
    says: 'a refusal of what the client gave and means something by is not tried again: tools, formats, input, sampling',
    source: 'docs/backends.md',
  },
  async (door) => {
    const format = { type: 'json_schema', name: 'n', schema: { type: 'object' } };
    for (const [param, body] of [
      ['temperature', { temperature: 0.5 }],
      ['parallel_tool_calls', { tools, parallel_tool_calls: false }],
      ['tool_choice', { tools, tool_choice: 'required' }],
      ['tools', { tools }],
      ['response_format', { text: { format } }],
      ['messages', {}],
      ['reasoning_effort', { reasoning: { effort: 'high' } }],
    ] as const) {
      const model = door.model.script(refusesParam(param));
      const reply = await post(door, { model, input: 'Hi', ...body });
      await reply.body?.cancel();
      assert.ok(reply.status >= 400, param);
      assert.equal(door.model.calls(model).length, 1, param);
    }
    const always = door.model.script(refusesParam('stream_options'));
    const reply = await post(door, { model: always, input: 'Hi' });
    await reply.body?.cancel();
    assert.ok(reply.status >= 400);
    assert.equal(door.model.calls(always).length, 2, 'once more, and no more');
    const late = door.model.script(async (turn) => {
      await sends([{ content: 'H' }], 'stop')(turn);
    });
    await create(door, { model: late });
    assert.equal(door.model.calls(late).length, 1);
  },
);
