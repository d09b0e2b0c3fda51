import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ItemEvent } from '../handler/events/events.ts';
import { foldOutput } from '../handler/events/fold.ts';
import { ItemWriter } from '../handler/events/item-writer.ts';
import type { OutputItem } from '../handler/items/item.ts';
import type { Annotation } from '../handler/protocol/content.ts';
import type { TextMarks } from '../handler/tools/tool.ts';
import { MarkedTexts } from '../handler/turn/marked-texts.ts';

const URLS = ['https://a.test/', 'https://b.test/'];

/** `[[1]]` becomes a link that is cited, `[[x]]` goes; anything else stays. */
const links: TextMarks = {
  begins: '[[',
  ends: ']]',
  maxLength: 12,
  replace(inner) {
    if (inner === 'x') return { text: '' };
    const url = URLS[Number(inner) - 1];
    if (!url) return undefined;
    const text = `([${inner}](${url}))`;
    return { text, annotation: { type: 'url_citation', url, title: inner, start_index: 0, end_index: text.length } };
  },
};

/** `[f:NAME]` goes, and is a citation of a file where it stood. */
const files: TextMarks = {
  begins: '[f:',
  ends: ']',
  maxLength: 10,
  replace: (filename) => ({ text: '', annotation: { type: 'file_citation', file_id: 'file_1', filename, index: 0 } }),
};

/** The events of a message with one text, cut into these deltas, each citation of the model's server right after its place. */
function said(chunks: readonly string[], own: readonly Annotation[] = []): ItemEvent[] {
  const writer = new ItemWriter();
  for (const chunk of chunks) writer.text(chunk);
  for (const annotation of own) writer.cite(annotation);
  writer.close('completed');
  return writer.take();
}

interface Shown {
  text: string;
  annotations: Annotation[];
  /** The text that had been sent when each citation came. */
  sent: string[];
}

/** What clients see of such a text; checks that events and item say the same. */
function shown(chunks: readonly string[], marks: readonly TextMarks[], own: readonly Annotation[] = []): Shown {
  const texts = new MarkedTexts(marks);
  let output: OutputItem[] = [];
  let sent = '';
  const citations: Annotation[] = [];
  const before: string[] = [];
  for (const event of said(chunks, own)) {
    for (const out of texts.pass(event)) {
      if (out.type === 'response.output_text.delta') {
        assert.notEqual(out.delta, '');
        sent += out.delta;
      }
      if (out.type === 'response.output_text.annotation.added') {
        assert.equal(out.annotation_index, citations.length);
        citations.push(out.annotation);
        before.push(sent);
      }
      if (out.type === 'response.output_text.done') assert.equal(out.text, sent);
      if (out.type === 'response.output_item.done') {
        const [folded] = output;
        assert.deepEqual({ ...folded, status: 'completed' }, out.item, 'the fold of the events is the item');
      }
      output = foldOutput(output, out);
    }
  }
  const [item] = output;
  assert.ok(item?.type === 'message');
  const [part] = item.content;
  assert.ok(part?.type === 'output_text');
  assert.equal(part.text, sent);
  assert.deepEqual(part.annotations, citations);
  return { text: part.text, annotations: part.annotations, sent: before };
}

/** Texts of what marks are made of, in pieces. */
const chunks = fc.array(
  fc.oneof(
    fc.constantFrom(
      '[[1]]',
      '[[2]]',
      '[[x]]',
      '[[9]]',
      '[[',
      ']]',
      '[',
      ']',
      '[f:a]',
      '[f:',
      'f',
      ':',
      'é',
      '\u{1f600}',
      'Hi ',
    ),
    fc.string({ maxLength: 3 }),
  ),
  { maxLength: 30 },
);

describe('marks in texts', () => {
  test('become links with citations whose indexes are right, as soon as the link was sent', () => {
    const { text, annotations, sent } = shown(['It is \u{1f600} so [', '[1', ']] and', ' so [[2]][[x]].'], [links]);
    assert.equal(text, 'It is \u{1f600} so ([1](https://a.test/)) and so ([2](https://b.test/)).');
    for (const [at, annotation] of annotations.entries()) {
      assert.ok(annotation.type === 'url_citation');
      const { title, url, start_index, end_index } = annotation;
      assert.equal(text.slice(start_index, end_index), `([${title}](${url}))`);
      assert.equal(sent[at]?.length, end_index);
    }
    assert.equal(annotations.length, 2);
  });

  test('that go leave a citation where they stood', () => {
    const { text, annotations } = shown(['The capital is Paris[f:a.txt].'], [files]);
    assert.equal(text, 'The capital is Paris.');
    assert.deepEqual(annotations, [{ type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 20 }]);
  });

  test('stay as they are if nothing replaces them, if they are never closed, and if they are too long', () => {
    for (const text of [
      'see [[9]] and [[12',
      'an [[unfinished',
      '[',
      '[[',
      `[[${' '.repeat(20)}1]]`,
      '[[1] ]',
      ']]1[[',
    ])
      assert.deepEqual(shown([...text], [links]), { text, annotations: [], sent: [] });
    assert.equal(shown(['[[[1]]'], [links]).text, '[([1](https://a.test/))');
    assert.equal(shown(['[[no [[1]]'], [links]).text, '[[no ([1](https://a.test/))');
  });

  test('of several tools do not disturb each other', () => {
    const { text, annotations } = shown([...'A[f:a]B[[1]]C[f:b]'], [links, files]);
    assert.equal(text, 'AB([1](https://a.test/))C');
    assert.deepEqual(
      annotations.map((annotation) => ('index' in annotation ? annotation.index : annotation.start_index)),
      [1, 2, text.length],
    );
  });

  test("move the citations of the model's own server with the text", () => {
    const own = (start_index: number, end_index: number): Annotation => {
      return { type: 'url_citation', url: 'https://own.test/', title: 'own', start_index, end_index };
    };
    const { text, annotations } = shown(
      ['one [[1]] two [[x]] three'],
      [links],
      [own(0, 3), own(10, 13), own(20, 25), own(4, 9)],
    );
    const cited = annotations.flatMap((it) =>
      it.type === 'url_citation' && it.title === 'own' ? [text.slice(it.start_index, it.end_index)] : [],
    );
    assert.deepEqual(cited, ['one', 'two', 'three', '([1](https://a.test/))']);
  });

  test('are of one part each', () => {
    const writer = new ItemWriter();
    writer.text('one [[1');
    writer.text(']] two [[1]]', [], 1);
    writer.close('completed');
    const texts = new MarkedTexts([links]);
    const item = writer
      .take()
      .flatMap((event) => texts.pass(event))
      .at(-1);
    assert.ok(item?.type === 'response.output_item.done' && item.item.type === 'message');
    const parts = item.item.content.map((part) => 'text' in part && [part.text, part.annotations.length]);
    assert.deepEqual(parts, [
      ['one [[1', 0],
      [']] two ([1](https://a.test/))', 1],
    ]);
  });

  test('come to the same however the text is cut', () => {
    fc.assert(
      fc.property(chunks, fc.boolean(), (more, both) => {
        const pieces = ['>', ...more];
        const marks = both ? [links, files] : [links];
        const whole = pieces.join('');
        const { text, annotations } = shown([whole], marks);
        for (const cut of [pieces, [...whole], whole.match(/.{1,7}/gs) ?? []]) {
          const other = shown(cut, marks);
          assert.deepEqual({ text: other.text, annotations: other.annotations }, { text, annotations });
          for (const [at, annotation] of other.annotations.entries())
            assert.equal(other.sent[at]?.length, 'index' in annotation ? annotation.index : annotation.end_index);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('that may be open are all that is held back', () => {
    const texts = new MarkedTexts([links]);
    let [written, sent] = [0, 0];
    for (const event of said([...`a${'[['.repeat(200)}${'x'.repeat(200)}`])) {
      if (event.type === 'response.output_text.delta') written += event.delta.length;
      for (const out of texts.pass(event)) if (out.type === 'response.output_text.delta') sent += out.delta.length;
      assert.ok(written - sent < links.maxLength, `${written - sent} characters are held back`);
    }
    assert.equal(sent, written);
  });
});
