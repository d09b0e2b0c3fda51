import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ItemEvent } from '../../handler/events/events.ts';
import { fold } from '../../handler/events/fold.ts';
import { ItemWriter } from '../../handler/events/item-writer.ts';
import { joinDeltas } from '../../handler/events/join-deltas.ts';
import type { Response } from '../../handler/protocol/response.ts';

const steps: Record<string, (writer: ItemWriter, text: string, at: number) => void> = {
  text: (writer, text, at) => writer.text(text, [{ token: text, bytes: [], logprob: -1, top_logprobs: [] }], at),
  refusal: (writer, text, at) => writer.refusal(text, at),
  reasoning: (writer, text, at) => writer.reasoning(text, at),
  summary: (writer, text, at) => writer.summary(text, at),
  cite: (writer, text) =>
    writer.cite({ type: 'url_citation', url: `https://a.test/${text}`, title: text, start_index: 0, end_index: 1 }),
  call: (writer) => writer.call({ call_id: 'c', name: 'f' }),
  arguments: (writer, text) => writer.arguments(text),
  close: (writer) => writer.close('completed'),
};

const step = fc.record({
  kind: fc.constantFrom('text', 'text', 'arguments', ...Object.keys(steps)),
  text: fc.string({ minLength: 1 }),
  at: fc.nat(1),
});

const begun = { output: [] } as unknown as Response; // all of a response that items change

const foldAll = (events: readonly ItemEvent[]) => structuredClone(events).reduce(fold, begun);

test('joined deltas make the same response, whatever came together', () => {
  let joined = 0;
  fc.assert(
    fc.property(fc.array(fc.array(step)), (chunks) => {
      const writer = new ItemWriter();
      const batches = chunks.map((chunk) => {
        for (const { kind, text, at } of chunk) steps[kind]?.(writer, text, at);
        return writer.take();
      });
      const all = batches.flat();
      const before = foldAll(all);
      const after = batches.flatMap((batch) => joinDeltas(structuredClone(batch)));
      joined += all.length - after.length;
      assert.deepEqual(foldAll(after), before);
    }),
  );
  assert.ok(joined > 50, `${joined} were joined`);
});
