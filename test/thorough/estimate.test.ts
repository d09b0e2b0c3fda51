import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelCall } from '../../handler/backend/backend.ts';
import { createHandler, parseConfig, type Tokenizer } from '../../handler/index.ts';
import type { Item } from '../../handler/items/item.ts';
import { countTokens, estimateTokens, type ModelInput } from '../../handler/turn/estimate.ts';
import { loadTokenizer } from '../../shim/tokenizer.ts';
import { createTransport } from '../../shim/transport.ts';
import { testDatabase } from '../support/doors/database.ts';

const TEXTS: Record<string, string> = {
  English: 'A house with a garden near the river, and nobody who lives in it. '.repeat(200),
  Chinese: '你好世界，这是一个测试文本。'.repeat(200),
  JSON: JSON.stringify(Array.from({ length: 300 }, (_, n) => ({ id: n, name: `entry ${n}`, ok: n % 2 === 0 }))),
  code: 'for (const one of list) {\n  total += one.size ?? 0;\n}\n'.repeat(100),
  emoji: '👩‍👩‍👧‍👦🙂'.repeat(200),
};

const inputOf = (text: string): ModelInput => ({ input: [message(text)] });

function message(text: string): Item {
  return { type: 'message', id: 'msg_1', role: 'user', status: 'completed', content: [{ type: 'input_text', text }] };
}

test('with a tokenizer the estimate is its own count, nearly, though texts are cut into slices', async () => {
  const { countTokens: whole } = await import('gpt-tokenizer/encoding/o200k_base');
  const tokenizer = await loadTokenizer();
  for (const [name, text] of Object.entries(TEXTS)) {
    const exact = whole(text);
    const estimate = (await countTokens(inputOf(text), tokenizer)) - 4;
    assert.ok(Math.abs(estimate - exact) <= exact / 50 + 1, `${name}: ${estimate} for ${exact}`);
  }
});

test('by bytes it is rather too many tokens of prose and code than too few', async () => {
  const tokenizer = await loadTokenizer();
  for (const name of ['English', 'Chinese', 'code']) {
    const text = TEXTS[name] ?? assert.fail(name);
    const [by, of] = [estimateTokens(inputOf(text)), await countTokens(inputOf(text), tokenizer)];
    assert.ok(by >= of && by < 3 * of, `${name}: ${by} by bytes, ${of} tokens`);
  }
});

test("a model's own marks in a text are text", async () => {
  const tokenizer = await loadTokenizer();
  assert.ok(tokenizer('<|endoftext|>') > 1);
  assert.ok(tokenizer('\ud800') > 0);
});

test('a tokenizer gets short texts, others get their turn in between, and the rest of a huge one is not read', async () => {
  let [longest, characters, turns] = [0, 0, 0];
  const tokenizer: Tokenizer = (text) => {
    longest = Math.max(longest, text.length);
    characters += text.length;
    return text.length;
  };
  const other = setInterval(() => turns++);
  const huge = 'x'.repeat(3_000_000);
  const tokens = await countTokens({ instructions: huge, input: [message(huge)] }, tokenizer);
  clearInterval(other);
  assert.ok(longest <= 512, `${longest} characters at once`);
  assert.ok(characters < 500_000, `${characters} characters in all`);
  assert.ok(turns > 10, `${turns} turns of another`);
  assert.equal(tokens, 2 * 3_000_000 + 2 * 4);
});

test('what models do not read is not counted', () => {
  const one = estimateTokens(inputOf('Hello'));
  const [item] = inputOf('Hello').input as [Item]; // it has one
  const dressed = { ...item, id: `msg_${'0'.repeat(200)}`, phase: 'commentary' } as Item; // a member that few have
  assert.equal(estimateTokens({ input: [dressed] }), one);
  const content = [{ type: 'reasoning_text' as const, text: 'Hm, well. '.repeat(20) }];
  const thought = { type: 'reasoning' as const, id: 'rs_1', status: 'completed' as const, content };
  const bare = estimateTokens({ input: [{ ...thought, summary: [] }] });
  const summary = [{ type: 'summary_text' as const, text: 'It thinks. '.repeat(50) }];
  const sealed = { ...thought, summary, encrypted_content: 'x'.repeat(1_000) };
  assert.equal(estimateTokens({ input: [sealed] }), bare);
  assert.ok(estimateTokens({ input: [{ ...sealed, content: [] }] }) > bare);
  assert.equal(estimateTokens({}), 0);
});

test('tools count with the words around them', () => {
  const tool: ModelCall['tools'][number] = { type: 'function', name: 'f', parameters: null, strict: null };
  const [none, one, two] = [[], [tool], [tool, tool]].map((tools) => estimateTokens({ tools })) as [
    number,
    number,
    number,
  ];
  assert.ok(one - none > 150 && two - one < 100);
});

test('the tokenizer is loaded at the first estimate, and where it cannot be, bytes are counted', async (t) => {
  const { transport, close } = createTransport();
  let loaded = 0;
  const handlerWith = async (tokenizer?: () => Promise<Tokenizer>) => {
    const handler = createHandler({ config: parseConfig({}), transport, database: await testDatabase(), tokenizer });
    t.after(() => handler.close(0));
    const post = async (path: string, input = TEXTS.English) => {
      const body = JSON.stringify({ model: 'demo', input });
      const headers = { 'content-type': 'application/json' };
      const reply = await handler.fetch(new Request(`http://x${path}`, { method: 'POST', body, headers }));
      return (await reply.json()) as { input_tokens?: number; status?: string };
    };
    return post;
  };
  t.after(close);
  const post = await handlerWith(async () => {
    loaded++;
    return () => 1_000;
  });
  assert.equal((await post('/v1/responses', 'Hi')).status, 'completed');
  assert.equal(loaded, 0);
  const { input_tokens = 0 } = await post('/v1/responses/input_tokens');
  assert.deepEqual([loaded, input_tokens > 20_000], [1, true]);
  const bytes = await (await handlerWith())('/v1/responses/input_tokens');
  const failing = await handlerWith(() => Promise.reject(new Error('not installed')));
  assert.deepEqual(await failing('/v1/responses/input_tokens'), bytes);
  const throwing = await handlerWith(async () => () => {
    throw new Error('cannot count');
  });
  assert.deepEqual(await throwing('/v1/responses/input_tokens'), bytes);
});
