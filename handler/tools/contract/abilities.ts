import { type ContractCase, check, contractCase } from '../../contract.ts';
import type { TextMarks } from '../tool.ts';
import { checkEvents } from './checks.ts';
import { ask, completed, eventsOf, jsonOf, send, type ToolSubject } from './subject.ts';

/** Texts that may stand inside a mark, and mostly mean nothing. */
const INNER = ['', ' ', '0', '1', '1,2', 'x'.repeat(1_000), '\u{1f600}', '__proto__', ']]', '\n'];

/** The promises of what a tool may be able to do: those that it cannot are kept. */
export const abilities: readonly ContractCase<ToolSubject>[] = [
  contractCase(
    'calls of one round run at the same time, each shown whole, and are told in their order',
    async (subject) => {
      if (!subject.twice) return;
      const place = subject.sent(subject.twice).length;
      const response = checkEvents(await eventsOf(ask(subject, { model: subject.twice, stream: true })));
      const ids = response.output.map(({ id }) => id);
      check(new Set(ids).size === ids.length, 'two items have one id');
      const [, told] = subject.sent(subject.twice).slice(place);
      const results = JSON.stringify(told).split(subject.result).length - 1;
      check(results >= 2, `the model has read ${results} results of two calls`);
    },
  ),

  contractCase('what is secret in its entry is shown nowhere', async (subject) => {
    const { secrets = [] } = subject;
    const shown = async (what: string, reply: Promise<Response>) => {
      const text = await (await reply).text();
      for (const secret of secrets) check(!text.includes(secret), `${what} shows ${secret}`);
      return text;
    };
    const response = await completed(ask(subject, {}));
    check(response.tools[0]?.type === subject.entry.type, 'the response shows the tool as one of another type');
    await shown('the response', ask(subject, {}));
    await shown('a stream', ask(subject, { stream: true }));
    await shown('what is kept', send(subject, 'GET', `/v1/responses/${response.id}`));
    const job = await jsonOf(ask(subject, { background: true }));
    await shown('a turn in the background', send(subject, 'GET', `/v1/responses/${job.id}?stream=true`));
    for (const secret of secrets)
      check(!JSON.stringify(subject.sent(subject.model)).includes(secret), `the model reads ${secret}`);
  }),

  contractCase(
    'a call that a client has approved runs before the model is called, and in no later turn',
    async (subject) => {
      if (!subject.approval) return;
      const { input, model } = subject.approval;
      const first = await completed(ask(subject, { input, model }));
      const [told] = subject.sent(model);
      check(JSON.stringify(told)?.includes(subject.result), 'the model is called before the call has run');
      const shown = first.output.length;
      check(shown > 1, 'it shows nothing of what it did');
      const next = await completed(ask(subject, { input: 'And now?', model, previous_response_id: first.id }));
      check(next.output.length < shown, 'the call runs once more in the next turn');
    },
  ),
];

/** Checks that marks can be found, and that what stands in place of one holds what is cited. */
export function checkMarks({ begins, ends, maxLength, replace }: TextMarks): void {
  check(begins !== '' && ends !== '', 'a mark has no beginning or no end');
  check(maxLength > begins.length + ends.length, `no mark has room in ${maxLength} characters`);
  for (const inner of INNER) {
    const replaced = replace(inner);
    if (!replaced?.annotation) continue;
    const { text, annotation } = replaced;
    const [from, to] =
      'index' in annotation ? [annotation.index, annotation.index] : [annotation.start_index, annotation.end_index];
    check(0 <= from && from <= to && to <= text.length, `a citation of ${from} to ${to} in a text of ${text.length}`);
  }
}
