import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { startScriptedWeb } from '../support/scripted-web.ts';
import { toolOver } from '../support/web-scene.ts';
import { openProduct } from './product.ts';
import { modelTest, type Scene } from './scene.ts';

/** What is asked, what it is about, and what the one page says that has the answer. Nobody can know it from elsewhere. */
const questions: readonly (readonly [question: string, topic: string, fact: string])[] = [
  ['When does the Kestrel bridge open again?', 'Kestrel bridge', 'The Kestrel bridge opens again on 4 May 2031.'],
  ['Who won the Lindholm prize in 2030?', 'Lindholm prize', 'The Lindholm prize of 2030 went to Amara Osei.'],
  ['How tall is the Varda tower?', 'Varda tower', 'The Varda tower is 412 metres tall.'],
  ['What is the newest version of the Quill database?', 'Quill database', 'Version 9.2 of the Quill database is out.'],
  ['Which city has the 2032 Winter Book Fair?', 'Winter Book Fair', 'The 2032 Winter Book Fair is in Trondheim.'],
  ['How many people live in Ostrava Nova?', 'Ostrava Nova', 'Ostrava Nova has 48,200 inhabitants.'],
  ['What does a ticket for the Halden ferry cost?', 'Halden ferry', 'A ticket for the Halden ferry costs 12 euros.'],
  ['Who designed the Marlow library?', 'Marlow library', 'The Marlow library was designed by Ines Prado.'],
  ['When was the comet Tiber-3 discovered?', 'comet Tiber-3', 'The comet Tiber-3 was discovered in 2029.'],
  ['What is the speed limit on the Corvo road?', 'Corvo road', 'The speed limit on the Corvo road is 70 km/h.'],
];

/** As many of them are to be answered with a citation of the right page. */
const ENOUGH = 8;
/** As many tokens of the prompt may be of how to search and cite, by the server's own count. */
const MOST_TOKENS = 600;

type Ask = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'model'>;
const tools: OpenAI.Responses.Tool[] = [{ type: 'web_search', search_context_size: 'low' }];
// One search is enough. Small models that may still call functions tell of their search, or call more, where they should cite.
const settings = { tools, max_output_tokens: 200, temperature: 0, max_tool_calls: 1 };

/** Asks all questions over a scripted search, and asserts that enough of the answers cite the page that they are from. */
async function citesEnough(
  { target, backend, t }: Scene,
  askFor: (question: string, search: (topic: string) => Promise<OpenAI.Responses.ResponseInputItem>) => Promise<Ask>,
  { mustSearch = true } = {},
): Promise<void> {
  const [web, scripted] = await Promise.all([startScriptedWeb(), startScriptedModel()]);
  for (const [index, [, topic, fact]] of questions.entries())
    web.page(`/${index}`, { title: `About the ${topic}`, snippet: fact, body: `<p>${fact}</p>` });
  const product = await openProduct(target, backend, [toolOver(web)]);
  const searching = await openProduct({ ...target, url: scripted.url }, 'chat', [toolOver(web)]);
  t.after(() => Promise.all([product.close(), searching.close(), web.close(), scripted.close()]));
  const search = async (query: string) => {
    const model = scripted.script(callsFunctions({ name: 'web_search', args: JSON.stringify({ query }) }), says('Ok.'));
    const { output } = await searching.client.responses.create({ model, input: query, tools });
    return output[0] as OpenAI.Responses.ResponseInputItem; // what is put out may be put in again
  };
  const asked = { model: target.model, input: 'Hi' };
  const bare = await product.client.responses.inputTokens.count(asked);
  const told = await product.client.responses.inputTokens.count({ ...asked, tools });
  const tokens = told.input_tokens - bare.input_tokens;
  t.diagnostic(`${tokens} tokens of the prompt are of how to search and cite`);
  assert.ok(tokens <= MOST_TOKENS, `${tokens} tokens`);
  let [cited, searched] = [0, 0];
  for (const [index, [question, topic]] of questions.entries()) {
    const ask = await askFor(question, () => search(topic));
    const { output, output_text } = await product.client.responses.create({ model: target.model, ...ask });
    const parts = output.flatMap((item) => (item.type === 'message' ? item.content : []));
    const texts = parts.filter((part) => part.type === 'output_text');
    const links = texts.flatMap(({ text, annotations }) => annotations.map((one) => ({ text, one })));
    for (const { one, text } of links) {
      assert.ok(one.type === 'url_citation');
      const at = text.slice(one.start_index, one.end_index);
      assert.equal(at, `([127.0.0.1](${one.url}))`, 'the indexes are those of the link');
    }
    const isCited = links.some(({ one }) => one.type === 'url_citation' && one.url === `${web.origin}/${index}`);
    if (isCited) cited++;
    if (output.some(({ type }) => type === 'web_search_call')) searched++;
    t.diagnostic(`${isCited ? 'cited' : 'not cited'}: ${output_text.slice(0, 120)}`);
  }
  if (!mustSearch && searched < ENOUGH)
    return t.skip(`the model searches of itself for ${searched} of ${questions.length}`);
  assert.ok(cited >= ENOUGH, `${cited} of ${questions.length} answers cite the page that they are from`);
}

modelTest(
  'web_search: eight of ten answers cite the page that they are from',
  ['call history', 'reading'],
  async (scene) => {
    const unable = scene.abilities.missing.get('calls');
    // On `chat` llama.cpp is asked for the call in a way that it holds any model to.
    if (unable !== undefined && scene.backend !== 'chat') return scene.t.skip(unable);
    // Small models do not know what they do not know, so the search is forced.
    await citesEnough(scene, async (input) => ({
      ...settings,
      input,
      tool_choice: { type: 'web_search_preview' },
    }));
  },
);

modelTest(
  'web_search: so do eight of ten that go on from a search that was made',
  ['call history', 'reading'],
  (scene) =>
    citesEnough(scene, async (question, search) => {
      const input = [{ role: 'user' as const, content: question }, await search(question)];
      return { ...settings, input, tool_choice: 'none', store: false };
    }),
);

modelTest('web_search: so do eight of ten of a model that searches of itself', ['call history', 'reading'], (scene) =>
  citesEnough(scene, async (input) => ({ ...settings, input }), { mustSearch: false }),
);
