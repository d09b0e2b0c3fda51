import assert from 'node:assert/strict';
import { startScriptedWeb } from '../support/scripted-web.ts';
import { toolOver } from '../support/web-scene.ts';
import { openProduct } from './product.ts';
import { modelTest } from './scene.ts';

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

modelTest(
  'web_search: eight of ten answers cite the page that they are from',
  ['calls', 'call history'],
  async (scene) => {
    const web = await startScriptedWeb();
    for (const [index, [, topic, fact]] of questions.entries())
      web.page(`/${index}`, { title: `About the ${topic}`, snippet: fact, body: `<p>${fact}</p>` });
    const product = await openProduct(scene.target, scene.backend, [toolOver(web)]);
    scene.t.after(async () => {
      await product.close();
      await web.close();
    });
    let cited = 0;
    for (const [index, [input]] of questions.entries()) {
      const response = await product.client.responses.create({
        model: scene.target.model,
        input,
        tools: [{ type: 'web_search', search_context_size: 'low' }],
        tool_choice: 'required', // small models do not know what they do not know
        max_tool_calls: 1,
        max_output_tokens: 200,
        temperature: 0,
      });
      const parts = response.output.flatMap((item) => (item.type === 'message' ? item.content : []));
      const links = parts.flatMap((part) =>
        part.type === 'output_text'
          ? part.annotations.map((one) => ({
              one,
              text: 'start_index' in one ? part.text.slice(one.start_index, one.end_index) : '',
            }))
          : [],
      );
      for (const { one, text } of links) {
        assert.ok(one.type === 'url_citation');
        assert.equal(text, `([127.0.0.1](${one.url}))`, 'the indexes are those of the link');
      }
      const isCited = links.some(({ one }) => one.type === 'url_citation' && one.url === `${web.origin}/${index}`);
      if (isCited) cited++;
      scene.t.diagnostic(`${isCited ? 'cited' : 'not cited'}: ${response.output_text.slice(0, 120)}`);
    }
    assert.ok(cited >= ENOUGH, `${cited} of ${questions.length} answers cite the page that they are from`);
  },
);
