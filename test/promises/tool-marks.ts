import assert from 'node:assert/strict';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { plays } from '../support/played-tool.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';

const url = 'https://docs.test/?utm_source=antiphon';
const link = `([docs.test](${url}))`;

/** A tool by whose marks `[[1]]` a model cites. */
function citing() {
  return plays({
    marks: {
      begins: '[[',
      ends: ']]',
      maxLength: 16,
      replace: (inner) =>
        inner === '1'
          ? {
              text: link,
              annotation: { type: 'url_citation', url, title: 'Docs', start_index: 0, end_index: link.length },
            }
          : undefined,
    },
    functions: { search: () => ({ output: '[[1]] Docs' }) },
  });
}

const search = callsFunctions({ name: 'search', args: '{}', id: 'c1' });
const text = `It is so ${link}, or [[2]].`;
const annotation = { type: 'url_citation', url, title: 'Docs', start_index: 9, end_index: 9 + link.length };

promise(
  'tool-marks.stream',
  {
    says: "a tool's marks in the model's text become links; the citation comes as soon as its link was sent, and never half a mark",
    source: 'recordings: 27 streams of web_search',
  },
  async (door) => {
    const model = door.model.script(search, says('It is', ' so [', '[1', ']', '], or [[2]', '].'));
    const { events, final } = await stream(door, { model, tools: [citing()] });
    const lines = outline(events).filter((line) => /^output_text|^content_part/.test(line));
    assert.deepEqual(lines, [
      'content_part.added 1.0 output_text',
      'output_text.delta 1.0 It is',
      'output_text.delta 1.0  so ',
      `output_text.delta 1.0 ${link}`,
      'output_text.annotation.added 1.0',
      'output_text.delta 1.0 , or ',
      'output_text.delta 1.0 [[2]].',
      `output_text.done 1.0 ${text}`,
      'content_part.done 1.0 output_text',
    ]);
    const added = events.find(({ type }) => type === 'response.output_text.annotation.added');
    assert.partialDeepStrictEqual(added, { output_index: 1, content_index: 0, annotation_index: 0, annotation });
    assert.partialDeepStrictEqual(final.output[1], { content: [{ text, annotations: [annotation] }] });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-marks.json',
  {
    says: 'a reply in one piece has the same text and citations, is kept so, and is what later turns read',
    source: 'docs/package.md',
  },
  async (door) => {
    const tools = [citing()];
    const model = door.model.script(search, says('It is so [[1]], or [[2]].'), says('Yes.'));
    const { id, output } = await create(door, { model, tools });
    const content = [{ type: 'output_text', text, annotations: [annotation] }];
    assert.partialDeepStrictEqual(output[1], { content });
    const kept = await door.client.responses.retrieve(id);
    assert.deepEqual(kept.output, output);
    await create(door, { model, tools, previous_response_id: id });
    assert.equal(door.model.calls(model)[2]?.body.messages.at(-2).content, text);
  },
  { ...NEEDS_TEST_TOOL, ...NEEDS_HEADERS },
);

promise(
  'tool-marks.cut',
  {
    says: 'what was held back of a mark that is never closed is sent, also where the model breaks off',
    source: 'docs/package.md',
  },
  async (door) => {
    const tools = [citing()];
    const open = door.model.script(says('It is [[', '1'));
    assert.partialDeepStrictEqual((await create(door, { model: open, tools })).output[0], {
      content: [{ text: 'It is [[1', annotations: [] }],
    });
    const length = door.model.script(sends([{ content: 'It is [[1' }], 'length'));
    const { status, output } = await create(door, { model: length, tools });
    assert.equal(status, 'incomplete');
    assert.partialDeepStrictEqual(output[0], { content: [{ text: 'It is [[1' }] });
    const breaks = door.model.script(async (turn) => {
      await turn.text('It is [[1');
      turn.cut();
    });
    const { final } = await stream(door, { model: breaks, tools });
    assert.equal(final.status, 'failed');
    assert.partialDeepStrictEqual(final.output[0], { status: 'incomplete', content: [{ text: 'It is [[1' }] });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-marks.formats',
  {
    says: 'a text that has to be JSON stays as the model wrote it; log probabilities stay those of its own tokens',
    source: 'docs/package.md',
  },
  async (door) => {
    const tools = [citing()];
    const json = door.model.script(says('{"a":', '[[1]]}'));
    const format = { type: 'json_object' };
    const { output } = await create(door, { model: json, tools, text: { format } });
    assert.partialDeepStrictEqual(output[0], { content: [{ text: '{"a":[[1]]}', annotations: [] }] });
    const tokens = ['It ', '[[', '1', ']]'];
    const model = door.model.script(async (turn) => {
      for (const token of tokens) {
        const logprobs = { content: [{ token, logprob: -1, bytes: null, top_logprobs: [] }] };
        const choice = { index: 0, delta: { content: token }, logprobs, finish_reason: null };
        await turn.raw(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [choice] })}\n\n`);
      }
      await turn.finish();
    });
    const { events, final } = await stream(door, { model, tools, include: ['message.output_text.logprobs'] });
    const names = (list: readonly { token: string }[]) => list.map(({ token }) => token);
    const told = events.flatMap((event) => (event.type === 'response.output_text.delta' ? names(event.logprobs) : []));
    assert.deepEqual(told, tokens);
    const [message] = final.output;
    assert.ok(message?.type === 'message' && message.content[0]?.type === 'output_text');
    assert.equal(message.content[0].text, `It ${link}`);
    assert.deepEqual(names(message.content[0].logprobs ?? []), tokens);
  },
  NEEDS_TEST_TOOL,
);
