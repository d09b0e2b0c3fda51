import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createHandler, type Database, parseConfig } from '../../handler/index.ts';
import { createTransport } from '../../shim/transport.ts';
import { type Json, normalised, replay } from '../support/accumulate.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { encoded, eventsOf, type Said } from '../support/model/scripted-responses.ts';
import { splitting } from '../support/split.ts';

/** Streams tried by each property; `PROPERTY_RUNS` asks for more. */
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

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom('a b c', '👩‍👩‍👧 x', '\u0000 \u2028', '\n\n', 'data: x\n\n', '"\\') },
);
const texts = fc.array(text, { maxLength: 2 });

/** A citation, or an annotation of another kind. */
const annotation = fc.oneof(
  fc.record({
    type: fc.constant('url_citation'),
    url: text,
    title: text,
    start_index: fc.nat(9),
    end_index: fc.nat(9),
  }),
  fc.constantFrom({ type: 'file_path', file_id: 'f', index: 0 }, { type: 'url_citation' }, { type: 'unheard_of' }),
);
const part = fc.record(
  {
    type: fc.constantFrom('output_text' as const, 'refusal' as const),
    text,
    annotations: fc.array(annotation, { maxLength: 2 }),
  },
  { requiredKeys: ['type', 'text'] },
);

const item: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ type: fc.constant('message' as const), content: fc.array(part, { minLength: 1, maxLength: 3 }) }),
  fc.record(
    { type: fc.constant('reasoning' as const), summary: texts, content: texts, encrypted_content: fc.string() },
    { requiredKeys: ['type', 'summary', 'content'] },
  ),
  fc.record({
    type: fc.constant('function_call' as const),
    call_id: fc.constantFrom('c1', 'c2', 'x'.repeat(70), ''),
    name: fc.constantFrom('f', 'g'),
    arguments: fc.oneof(
      fc.dictionary(text, text).map((value) => JSON.stringify(value, null, 1)),
      fc.constantFrom('', '{"cut'),
    ),
  }),
  fc.record({
    type: fc.constant('custom_tool_call'),
    call_id: fc.constantFrom('c3', 'c4'),
    name: fc.constant('h'),
    input: fc.string(),
  }),
  fc.record({ type: fc.constantFrom('web_search_call', 'unheard_of'), action: fc.object({ maxDepth: 1 }) }),
);

const ending = fc.constantFrom(
  {},
  { usage: null },
  { type: 'incomplete' as const, incomplete_details: { reason: 'max_output_tokens' } },
  { type: 'incomplete' as const, incomplete_details: { reason: 'content_filter' } },
  { type: 'failed' as const, error: { code: 'server_error', message: 'no more' } },
);

/** Whether the client asks for summaries of reasoning. */
const wish = fc.constantFrom(null, 'auto');

/** What becomes of one event on its way. */
const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant('kept' as const) },
  { weight: 1, arbitrary: fc.constantFrom('lost' as const, 'twice' as const, 'bare' as const, 'late' as const) },
);
const fates = fc.array(fate, { minLength: 20, maxLength: 60 });

/** How the bytes of a stream are cut up. */
const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });

/** The events as they arrive: lost, doubled, without the members that say where they belong, or three too late. */
function suffered(events: readonly Json[], fates: readonly string[]): Json[] {
  const arrived: [at: number, Json][] = [];
  for (const [index, event] of events.entries()) {
    const fate = fates[index % fates.length];
    const { item_id, output_index, content_index, summary_index, sequence_number, ...rest } = event;
    if (fate === 'lost') continue;
    arrived.push([fate === 'late' ? index + 3.5 : index, fate === 'bare' ? rest : event]);
    if (fate === 'twice') arrived.push([index, event]);
  }
  return arrived.sort(([a], [b]) => a - b).map(([, event]) => event);
}

/** The stream read by the referee, which must be what its terminal event, the JSON reply and the stored response say. */
async function replies(events: readonly Json[], cut: readonly number[], summary: string | null): Promise<Json> {
  const model = scripted.native(async (turn) => {
    await turn.raw(events.map(encoded).join(''));
    turn.end();
  });
  const asked = { model, input: 'x', reasoning: { summary } };
  const [streamed, whole] = await Promise.all([
    handle(cut, '/v1/responses', { ...asked, stream: true }),
    handle([1_000], '/v1/responses', asked),
  ]);
  const { terminal, events: ours } = replay(await streamed.text());
  const storedReply = await handle([], `/v1/responses/${terminal.id}`);
  assert.deepEqual(await storedReply.json(), terminal);
  const reply = (await whole.json()) as Json;
  if (terminal.status === 'failed') assert.equal(reply.error.message, ours.at(-2).message);
  else assert.deepEqual(normalised(reply), normalised(terminal));
  return terminal;
}

function handle(cut: readonly number[], path: string, body?: object): Promise<Response> {
  const handler = createHandler({
    database,
    config: parseConfig({ models: [{ match: '*', backend: 'responses', url: scripted.url }] }),
    transport: splitting(backends.transport, cut),
  });
  const init = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  return handler.fetch(new Request(`http://antiphon.test${path}`, init));
}

test('a whole stream comes back whole', async () => {
  const itemLists = fc.array(item, { maxLength: 5 });
  const property = fc.asyncProperty(itemLists, ending, pieces, wish, async (items, ending, cut, wish) => {
    const terminal = await replies(eventsOf(items, ending), cut, wish);
    const broken = (last: Said | undefined) => last?.type === 'function_call' && last.arguments === '{"cut';
    const known = items.filter(({ type }) => !['web_search_call', 'unheard_of'].includes(type));
    const isCut = ending.type === 'incomplete' || (!ending.type && broken(known.at(-1)));
    // An answer of which nothing was understood is none.
    const isLost = !ending.type && known.length < items.length && known.every(isSilent);
    assert.equal(terminal.status, ending.type === 'failed' || isLost ? 'failed' : isCut ? 'incomplete' : 'completed');
    if (terminal.status === 'failed') return;
    const expected = wish ? known.map(asSummary) : known;
    assert.deepEqual(terminal.output.map(contentOf), expected.map(contentOf));
    assert.equal(terminal.usage?.total_tokens, ending.usage === null ? undefined : 18);
  });
  await fc.assert(property, { numRuns: RUNS });
});

test('whatever is lost, doubled, late or bare: the replies agree, and a strict reader can follow', async () => {
  const property = fc.asyncProperty(
    fc.array(item, { maxLength: 5 }),
    ending,
    fates,
    pieces,
    wish,
    async (items, ending, fates, cut, wish) => {
      await replies(suffered(eventsOf(items, ending), fates), cut, wish);
    },
  );
  await fc.assert(property, { numRuns: RUNS * 2 });
});

/** Whether an item says nothing. */
function isSilent({ type, summary, content, encrypted_content }: Json): boolean {
  return type === 'reasoning' && !encrypted_content && summary.length === 0 && content.length === 0;
}

/** An item for clients that ask for summaries. */
function asSummary(item: Said): Said {
  const { summary = [], content = [] } = item as Json;
  return item.type === 'reasoning' && summary.length === 0
    ? ({ ...item, summary: content, content: [] } as Said)
    : item;
}

/** An item's content, in one form for the script's items and the reply's. */
function contentOf(item: Json): Json {
  if (item.type === 'message') {
    // Neighbours of a kind are one part.
    const parts: string[][] = [];
    for (const { type, text, refusal = text } of item.content) {
      const last = parts.at(-1);
      if (last && last[0] === type) last[1] += refusal;
      else parts.push([type, refusal]);
    }
    return parts;
  }
  if (item.type === 'reasoning') {
    const words = (list: (string | { text: string })[]) =>
      list.map((part) => (typeof part === 'string' ? part : part.text));
    return [words(item.summary), words(item.content), unmarked(item.encrypted_content) || undefined];
  }
  return [item.type, item.name, item.arguments === '' ? '{}' : item.arguments, item.input];
}

/** What a server has sealed, without the mark that tells which one it was. */
function unmarked(sealed: string | null | undefined): string | null | undefined {
  const [, json] = /^responses\.1\.(.*)$/s.exec(sealed ?? '') ?? [];
  return json === undefined ? sealed : JSON.parse(json).sealed;
}
