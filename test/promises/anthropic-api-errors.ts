import assert from 'node:assert/strict';
import { replies, says } from '../support/model/scripted.ts';
import { hi, PATH, refusal, refused, send } from './anthropic-ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const ERRORS = 'https://platform.claude.com/docs/en/api/errors';
const text = { type: 'text', text: 'Hi' };
const user = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });
const assistant = (...content: unknown[]) => ({ messages: [...hi, { role: 'assistant', content }, ...hi] });
const use = { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} };

promise(
  'anthropic-api.errors',
  {
    says: "every error of its paths has Anthropic's form, statuses and types, and the id of its request",
    source: ERRORS,
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    const invalid = 'invalid_request_error';
    await refusal(await send(door, '{"model":'), 400, invalid);
    await refusal(await send(door, '[]'), 400, invalid, 'The request body must be an object');
    await refusal(await send(door, { model, max_tokens: 1, messages: hi }, `${PATH}/batches`), 404, 'not_found_error');
    const twice = await send(door, { model, max_tokens: 1, messages: hi }, `/v1${PATH}`); // the base URL has a /v1 of its own
    await refusal(twice, 404, 'not_found_error', /What comes near is \/v1\/messages/);
    await refusal(await door.fetch(PATH), 405, invalid);
    await refusal(await send(door, {}, PATH, { 'content-type': 'text/plain' }), 415, invalid);
    await refusal(await send(door, {}, PATH, { 'content-encoding': 'lzma' }), 415, invalid);
    const large = `{"model":"${model}","messages":"${'x'.repeat(33 * 1024 * 1024)}"}`;
    if (door.name !== 'workerd') await refusal(await send(door, large), 413, 'request_too_large');
    await refusal(await send(door, { model: 'nobody-knows', max_tokens: 1, messages: hi }), 404, 'not_found_error');
    const limited = door.model.script(replies(429, { error: { message: 'slow down' } }, { 'retry-after': '7' }));
    const reply = await send(door, { model: limited, max_tokens: 1, messages: hi });
    await refusal(reply, 429, 'rate_limit_error');
    assert.equal(reply.headers.get('retry-after'), '7');
    const broken = door.model.script(replies(500, { error: { message: 'oh' } }));
    await refusal(await send(door, { model: broken, max_tokens: 1, messages: hi }), 500, 'api_error');
    await refusal(await send(door, { model: broken, max_tokens: 1, messages: hi, stream: true }), 500, 'api_error');
    await refusal(await send(door, { model: 'down', max_tokens: 1, messages: hi }), 500, 'api_error');
    const full = { message: "This model's maximum context length is 10 tokens.", code: 'context_length_exceeded' };
    const small = door.model.script(replies(400, { error: full }));
    await refusal(
      await send(door, { model: small, max_tokens: 1, messages: hi }),
      400,
      invalid,
      'prompt is too long: ',
    );
    const spent = door.model.script(replies(429, { error: { message: 'no money', code: 'insufficient_quota' } }));
    await refusal(await send(door, { model: spent, max_tokens: 1, messages: hi }), 402, 'billing_error');
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.version',
  {
    says: 'a request without anthropic-version, or of another version, is refused',
    source: 'https://platform.claude.com/docs/en/api/versioning',
  },
  async (door) => {
    const body = { model: door.model.script(says('ok')), max_tokens: 1, messages: hi };
    const headers = { 'content-type': 'application/json' };
    const bare = await door.fetch(PATH, { method: 'POST', headers, body: JSON.stringify(body) });
    await refusal(bare, 400, 'invalid_request_error', 'anthropic-version: header is required');
    const other = await send(door, body, PATH, { 'anthropic-version': '2029-01-01' });
    await refusal(other, 400, 'invalid_request_error', 'anthropic-version: is not a valid version');
    for (const version of ['2023-06-01', '2026-10-21']) {
      const reply = await send(door, body, PATH, { 'anthropic-version': version });
      assert.equal(reply.status, 200, await reply.text());
    }
    const beta = await send(door, body, `${PATH}?beta=true`, { 'anthropic-beta': 'nobody-knows-2029-01-01' });
    assert.equal(beta.status, 200);
    await beta.text();
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.refused',
  {
    says: 'what cannot be carried is refused by its name in the Messages API, before any model is called',
    source: 'docs/messages.md',
  },
  async (door) => {
    for (const [body, said] of [
      [{ max_tokens: undefined }, 'max_tokens field is required'],
      [{ max_tokens: 0 }, 'max_tokens must be at least 1'],
      [{ max_tokens: 1.5 }, 'max_tokens must be a whole number'],
      [{ max_tokens: '100' }, 'max_tokens must be a number, not a string'],
      [{ model: '' }, 'model must not be empty'],
      [{ model: 7 }, 'model must be a string'],
      [{ messages: 'Hi' }, 'messages must be an array'],
      [{ messages: [] }, 'messages must not be empty'],
      [{ messages: [7] }, 'messages[0] must be an object'],
      [{ messages: [{ role: 'tool', content: 'Hi' }] }, 'messages[0].role is "tool" and must be one of'],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content must not be empty'],
      [{ messages: [{ role: 'user', content: [] }] }, 'messages[0].content must not be empty'],
      [{ messages: [{ role: 'user', content: '' }] }, 'messages[0].content must not be empty'],
      [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content must be'],
      [{ messages: [{ role: 'user', content: [7] }] }, 'messages[0].content[0] must be an object'],
      [
        { messages: [...hi, { role: 'assistant', content: 'Once upon' }] },
        'messages must end with a message of the user',
      ],
      [user({}), 'messages[0].content[0].type'],
      [user({ type: 'nobody' }), 'messages[0].content[0].type is not supported: it is "nobody"'],
      [user({ type: 'text' }), 'messages[0].content[0].text field is required'],
      [user({ type: 'text', text: null }), 'messages[0].content[0].text must be a string'],
      [user(text, { type: 'thinking', thinking: 'a', signature: 'b' }), 'messages[0].content[1].type is not supported'],
      [user({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages[0].content[0].source.type'],
      [
        user({ type: 'image', source: { type: 'base64', media_type: 'image/png' } }),
        'messages[0].content[0].source.data field is required',
      ],
      [
        user({ type: 'image', source: { type: 'base64', media_type: 'a b', data: 'x' } }),
        'messages[0].content[0].source.media_type must be a media type',
      ],
      [user({ type: 'document', source: { type: 'file', file_id: 'f' } }), 'messages[0].content[0].source.type'],
      [
        user({ type: 'document', source: { type: 'url', url: 'https://e.example/a.pdf' } }),
        'messages holds a file by its URL',
      ],
      [
        user({
          type: 'document',
          source: { type: 'text', media_type: 'text/plain', data: 'x' },
          citations: { enabled: true },
        }),
        'messages[0].content[0].citations.enabled',
      ],
      [user({ type: 'tool_result', tool_use_id: 'toolu_9', content: 'x' }), 'messages: No tool call found'],
      [user({ type: 'tool_result', content: 'x' }), 'messages[0].content[0].tool_use_id field is required'],
      [assistant(use), 'messages: No tool output found for function call toolu_1'],
      [assistant({ type: 'tool_result', tool_use_id: 'a' }), 'messages[1].content[0].type is not supported'],
      [assistant({ ...use, input: 'x' }), 'messages[1].content[0].input must be an object'],
      [
        assistant({ type: 'server_tool_use', id: 'a', name: 'web_search', input: {} }),
        'messages[1].content[0].type is not supported: "server_tool_use" is of a tool that Anthropic runs',
      ],
      [{ system: 7 }, 'system must be'],
      [{ system: [{ type: 'image' }] }, 'system[0].type is not supported'],
      [{ tools: {} }, 'tools must be an array'],
      [{ tools: [{ name: 'f' }] }, 'tools[0].input_schema field is required'],
      [{ tools: [{ name: 'a b', input_schema: {} }] }, 'tools[0].name must be 1 to 128 letters'],
      [
        {
          tools: [
            { name: 'f', input_schema: {} },
            { name: 'f', input_schema: {} },
          ],
        },
        'tools[1].name is the name of an earlier tool',
      ],
      [
        { tools: [{ name: 'f', input_schema: {}, allowed_callers: ['code_execution_20250825'] }] },
        'tools[0].allowed_callers[0]',
      ],
      [{ tools: [{ type: 7 }] }, 'tools[0].type must be a string'],
      [{ tool_choice: 'auto' }, 'tool_choice must be an object'],
      [{ tool_choice: { type: 'required' } }, 'tool_choice.type is not supported: it is "required"'],
      [{ tool_choice: { type: 'tool', name: 'nobody' } }, 'tool_choice names'],
      [{ tool_choice: { type: 'any' } }, 'tool_choice'],
      [{ temperature: 1.5 }, 'temperature must be at most 1'],
      [{ top_p: -1 }, 'top_p must be at least 0'],
      [{ top_k: 5 }, 'top_k is not supported'],
      [{ stop_sequences: 'x' }, 'stop_sequences must be an array'],
      [{ stop_sequences: [''] }, 'stop_sequences[0] must not be empty'],
      [{ stop_sequences: Array.from({ length: 65 }, () => 'x') }, 'stop_sequences must not be longer than 64'],
      [{ thinking: { type: 'enabled' } }, 'thinking.budget_tokens field is required'],
      [{ thinking: { type: 'enabled', budget_tokens: 1 } }, 'thinking.budget_tokens must be at least 1024'],
      [{ thinking: { type: 'between_tools' } }, 'thinking.type is not supported'],
      [{ output_config: { effort: 'extreme' } }, 'output_config.effort is "extreme"'],
      [{ output_config: { format: { type: 'json_schema' } } }, 'output_config.format.schema field is required'],
      [{ metadata: { user_id: 'x'.repeat(513) } }, 'metadata.user_id must not be longer than 512'],
      [{ service_tier: 'flex' }, 'service_tier is "flex"'],
      [{ thread: { type: 'create' } }, 'thread is not supported'],
      [{ container: 'c' }, 'container is not supported'],
      [{ mcp_servers: [{ type: 'url', url: 'https://e.example', name: 'm' }] }, 'mcp_servers is not supported'],
      [{ context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, 'context_management.edits[0].type'],
      [{ cache_control: { type: 'forever' } }, 'cache_control.type'],
      [{ inference_geo: 'eu' }, 'inference_geo is not supported'],
      [{ fallbacks: [{ model: 'x' }] }, 'fallbacks is not supported'],
      [{ stream: 'yes' }, 'stream must be a boolean'],
    ] as [object, string][]) {
      await refused(door, body, said);
    }
  },
  NEEDS_HEADERS,
);
