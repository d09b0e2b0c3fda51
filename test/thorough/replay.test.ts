import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createHandler, type Database, parseConfig } from '../../handler/index.ts';
import { createTransport } from '../../shim/transport.ts';
import { type Json, normalised, replay } from '../support/accumulate.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { splitting } from '../support/split.ts';
import { bytesOf, deltasOf, type Script, script } from '../support/turns.ts';

/** Scripts tried by each property; `PROPERTY_RUNS` asks for more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 25);

const backends = createTransport();
let scripted: ScriptedModel;
let database: Database;

before(async () => {
  scripted = await startScriptedModel();
  database = await testDatabase();
});

after(async () => {
  await backends.close();
  await scripted.close();
});

/** How the bytes of a stream are cut up. */
const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });

/** Whether the client asks for summaries of reasoning. */
const wish = fc.constantFrom(null, 'detailed');

/** The replies to one script, whose bytes come cut up in a way of its own for each; and the first as it was kept. */
async function allReplies(
  script: Script,
  deltas: readonly object[],
  cuts: readonly (readonly number[])[],
  summary: string | null,
) {
  const model = scripted.script(async (turn) => {
    await turn.raw(bytesOf(script, deltas));
    if (script.ending === 'cut') turn.cut();
  });
  const [streamed, whole] = await Promise.all(
    [true, false].map((stream, index) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ model, input: 'x', stream, reasoning: { summary } });
      return handle(cuts[index], '/v1/responses', { method: 'POST', headers, body });
    }),
  );
  assert.ok(streamed && whole);
  const replayed = replay(await streamed.text());
  const kept = await handle([], `/v1/responses/${replayed.terminal.id}`);
  return { replayed, status: whole.status, whole: (await whole.json()) as Json, kept: (await kept.json()) as Json };
}

function handle(cuts: readonly number[] | undefined, path: string, init?: RequestInit): Promise<Response> {
  const handler = createHandler({
    database,
    config: parseConfig({ models: [{ match: '*', backend: 'chat', url: scripted.url }] }),
    transport: splitting(backends.transport, cuts ?? [1]),
  });
  return handler.fetch(new Request(`http://antiphon.test${path}`, init));
}

/** The stream read by the referee, which must be what its terminal event, the JSON reply and the stored response say. */
function agree({ replayed, status, whole, kept }: Awaited<ReturnType<typeof allReplies>>): Json {
  const { terminal, events } = replayed;
  assert.deepEqual(kept, terminal);
  if (terminal.status === 'failed') {
    assert.equal(status, 500);
    assert.equal(whole.error.message, events.at(-2).message);
  } else {
    assert.equal(status, 200);
    assert.deepEqual(normalised(whole), normalised(terminal));
  }
  return terminal;
}

const failures = ['cut', 'error', 'garbage'];

test('what a model says comes back whole: replay of the stream = terminal event = JSON reply = GET', async () => {
  const property = fc.asyncProperty(script, wish, pieces, pieces, async (script, wish, ...cuts) => {
    const terminal = agree(await allReplies(script, deltasOf(script), cuts, wish));
    const { ending, usage } = script;
    const status = { length: 'incomplete', content_filter: 'incomplete' }[ending as string] ?? 'completed';
    assert.equal(terminal.status, failures.includes(ending) ? 'failed' : status);
    if (ending === 'length') assert.equal(terminal.incomplete_details.reason, 'max_output_tokens');
    if (ending === 'content_filter') assert.equal(terminal.incomplete_details.reason, 'content_filter');
    assert.equal(terminal.usage?.total_tokens, usage && terminal.status !== 'failed' ? 7 : undefined);
    // A connection that breaks takes along what was on its way.
    if (ending === 'cut' || failures.includes(ending)) return;
    const [said, asked] = [contents(terminal), expected(script, wish ? 'summary_text' : 'reasoning_text')];
    assert.deepEqual(...(mayWait(script) ? ([apart(said), apart(asked)] as const) : ([said, asked] as const)));
  });
  await fc.assert(property, { numRuns: RUNS });
});

test('the replies agree on deltas in any order and with anything missing, even calls cut by text', async () => {
  const member = fc.option(fc.string({ maxLength: 4 }), { nil: undefined, freq: 2 });
  const call = fc.record(
    {
      index: fc.option(fc.nat(2), { nil: null, freq: 6 }),
      id: fc.option(fc.constantFrom('', 'a', 'b', 'x'.repeat(70)), { nil: null }),
      function: fc.record({
        name: fc.constantFrom('f', 'g'),
        arguments: fc.constantFrom('', '{', '}', '"a":1', '{}', ' '),
      }),
    },
    { requiredKeys: [] },
  );
  const delta = fc.record(
    {
      role: fc.constant('assistant'),
      content: fc.option(member),
      refusal: fc.option(member),
      reasoning: fc.option(member),
      tool_calls: fc.option(fc.array(call, { maxLength: 2 })),
    },
    { requiredKeys: [] },
  );
  const said = fc.array(delta, { maxLength: 12 });
  const property = fc.asyncProperty(script, said, pieces, wish, async (script, deltas, cut, wish) => {
    agree(await allReplies(script, deltas, [cut, [1_000]], wish));
  });
  await fc.assert(property, { numRuns: RUNS });
});

/** Whether text waits behind calls, since one of them has no arguments yet. */
function mayWait({ steps }: Script): boolean {
  const empty = steps.findIndex((step) => step.kind === 'calls' && step.calls.some((call) => call.arguments === ''));
  return empty >= 0 && empty < steps.length - 1;
}

/** The calls in their order, and all text of each kind. */
function apart(parts: readonly string[][]): Json {
  const kinds = ['output_text', 'refusal', 'reasoning_text', 'summary_text'];
  const texts = kinds.map((kind) => parts.flatMap(([name, text]) => (name === kind ? [text] : [])).join(''));
  return [parts.filter(([name = '']) => !kinds.includes(name)).map(([name, args]) => [name, args || '{}']), texts];
}

/** What the script has to give: kind and text of each part and call, neighbours of a kind joined. */
function expected({ steps, ending }: Script, reasoning: string): string[][] {
  const parts: string[][] = [];
  let before = '';
  for (const step of steps) {
    if (step.kind === 'calls') {
      for (const { name, arguments: written } of step.calls) parts.push([name, written]);
    } else {
      const kind = { content: 'output_text', refusal: 'refusal' }[step.kind as string] ?? reasoning;
      const said = step.deltas.join('');
      const last = parts.at(-1);
      if (before === kind && last) last[1] += said;
      else parts.push([kind, said]);
      before = kind;
      continue;
    }
    before = 'calls';
  }
  const cut = ending === 'length' || ending === 'content_filter';
  return parts.map(([kind = '', said = ''], index) => [
    kind,
    said === '' && !(cut && index === parts.length - 1) ? '{}' : said,
  ]);
}

function contents({ output }: Json): string[][] {
  return output.flatMap((item: Json) =>
    item.type === 'function_call'
      ? [[item.name, item.arguments]]
      : [...(item.summary ?? []), ...item.content].map((part: Json) => [part.type, part.text ?? part.refusal]),
  );
}
