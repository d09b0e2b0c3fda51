import { canonicalJson } from '../../canonical-json.ts';
import { type ContractCase, check, contractCase } from '../../contract.ts';
import { kinds } from '../../items/index.ts';
import type { Item } from '../../items/item.ts';
import type { Response as ResponseObject } from '../../protocol/response.ts';
import { resultOf } from '../result-of.ts';
import type { ToolContext } from '../tool.ts';
import { abilities, checkMarks } from './abilities.ts';
import { callsIn, type ToldCall } from './calls.ts';
import { checkEvents, checkSame } from './checks.ts';
import { ask, completed, eventsOf, jsonOf, send, type ToolSubject } from './subject.ts';

/** The longest id of a call that OpenAI takes back; an item's id stands for the call that it was. */
const MAX_ID = 64;

/** A request without history. */
const BARE: ToolContext = { caller: { id: 'contract' }, input: [], include: [] };

/** Function names that model servers accept. */
const NAME = /^[\w-]{1,64}$/;

/** The promises of every server-side tool. */
export const toolContract: readonly ContractCase<ToolSubject>[] = [
  contractCase(
    'its functions have names that model servers take, and are those that it said; its marks can be found',
    async ({ tool, entry }) => {
      const config = tool.parse(entry, 'tools[0]');
      const opened = await resultOf(tool.open(config, new AbortController().signal, BARE));
      const definitions = opened.functions.map(({ definition }) => definition);
      await opened.close?.();
      if (opened.marks) checkMarks(opened.marks);
      const declared = tool.definitions?.(config) ?? definitions;
      checkSame(declared, definitions, 'its functions are others than those that were known before it was opened');
      const names = definitions.map(({ name }) => name);
      check(names.length > 0 && new Set(names).size === names.length, `its functions are ${names.join(', ')}`);
      for (const name of names) check(NAME.test(name), `${name} is no name of a function`);
    },
  ),

  contractCase('the model reads what a function returned', async (subject) => {
    await completed(ask(subject, {}));
    const [first, second, ...more] = subject.sent(subject.model).map((body) => JSON.stringify(body));
    check(more.length === 0, 'the model is called twice');
    check(!first?.includes(subject.result), 'the result is known before the function has run');
    check(second?.includes(subject.result), `the model has not read ${subject.result}`);
  }),

  contractCase('what clients see of it is told whole: items in their places, each begun and done', async (subject) => {
    const events = await eventsOf(ask(subject, { stream: true }));
    const response = checkEvents(events);
    check(response.output.length > 1, 'it shows nothing of what it did');
  }),

  contractCase('the next turn goes on from it, with the tool and without', async (subject) => {
    const first = await completed(ask(subject, {}));
    const next = { input: 'And now?', previous_response_id: first.id };
    await completed(ask(subject, next));
    await completed(ask(subject, { ...next, tools: [] }));
    const last = JSON.stringify(subject.sent(subject.model).at(-1));
    check(last.includes(subject.result), 'the model has forgotten what a function returned a turn ago');
  }),

  contractCase('later turns tell the model the calls and outputs that this one told', async (subject) => {
    const read = subject.callsIn ?? callsIn;
    const sent = () => subject.sent(subject.model);
    const first = await completed(ask(subject, {}));
    const calls = read(sent().at(-1));
    check(
      calls.length > 0,
      'no call is found in what a model was sent: a protocol that is not built in needs `callsIn`',
    );
    const kept = { input: 'And now?', previous_response_id: first.id };
    const sentBack = { input: continued(first), store: false };
    for (const next of [kept, sentBack]) {
      for (const tools of [[subject.entry], []]) {
        const place = sent().length;
        await completed(ask(subject, { ...next, tools }));
        const told = read(sent()[place]);
        let found = 0;
        for (const call of told) if (found < calls.length && isSame(call, calls[found])) found++;
        const missing = calls[found];
        check(!missing, `the model read ${canonicalJson(missing)}, and reads a turn later ${canonicalJson(told)}`);
      }
    }
  }),

  contractCase('each of its items has an id of its type, which clients can send back', async (subject) => {
    const turns = [await completed(ask(subject, {})), await completed(ask(subject, {}))];
    const output = turns.flatMap((turn) => turn.output);
    check(new Set(output.map(({ id }) => id)).size === output.length, 'two items have one id');
    for (const { type, id } of output) {
      const { prefix } = kinds[type];
      const others = Object.entries(kinds).flatMap(([name, kind]) => (kind.prefix === prefix ? name : []));
      check(others.length === 1, `items of ${others.join(' and ')} have one prefix, ${prefix}`);
      check(id.startsWith(`${prefix}_`), `${id} is no id of the type ${type}: newItemId makes one`);
      check(id.length <= MAX_ID, `the id ${id} is longer than ${MAX_ID} characters`);
    }
  }),

  contractCase('a client that keeps its items itself can send them back', async (subject) => {
    const first = await completed(ask(subject, { store: false }));
    const input = continued(first);
    await completed(ask(subject, { input, store: false }));
    await completed(ask(subject, { input, store: false, tools: [] }));
  }),

  contractCase(
    'what is kept is what was told: read again, and listed where a client sends it back',
    async (subject) => {
      const response = await completed(ask(subject, {}));
      const stored = await jsonOf(send(subject, 'GET', `/v1/responses/${response.id}`));
      checkSame(stored, response, 'the response that is kept is another than the one that was told');
      const input = continued(response);
      const next = await completed(ask(subject, { input }));
      const path = `/v1/responses/${next.id}/input_items?order=asc`;
      const { data } = await jsonOf<{ data: Item[] }>(send(subject, 'GET', path));
      checkSame(data.slice(1, -1), response.output, 'the items that are listed are others than those that were told');
    },
  ),

  contractCase('a stream is told again from what was kept', async (subject) => {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const [first, again] = [await keyed(), await keyed()];
    checkSame(again, first, 'the stream that is told again comes to another response');
    check(subject.sent(subject.model).length === 2, 'the turn is made again');

    async function keyed() {
      return checkEvents(await eventsOf(ask(subject, { stream: true }, { headers })));
    }
  }),

  contractCase('a turn in the background is told again, event by event', async (subject) => {
    const live = await eventsOf(ask(subject, { stream: true, background: true }));
    const response = checkEvents(live);
    const again = await eventsOf(send(subject, 'GET', `/v1/responses/${response.id}?stream=true`));
    checkSame(again, live, 'the events that are told again are others than those that were told');
  }),

  contractCase('a client that leaves ends the function', async (subject) => {
    if (subject.waits === null) return;
    const leaves = new AbortController();
    const reply = ask(subject, { model: subject.waits, stream: true }, { signal: leaves.signal }).then((it) =>
      it.text(),
    );
    await Promise.race([subject.running(), reply]);
    leaves.abort();
    await reply.catch(() => {}); // whether it ends or breaks is the runtime's
    await subject.closed();
  }),

  contractCase('a turn in the background that is cancelled ends the function', async (subject) => {
    if (subject.waits === null) return;
    const { id } = await jsonOf(ask(subject, { model: subject.waits, background: true }));
    await subject.running();
    const { status } = await jsonOf(send(subject, 'POST', `/v1/responses/${id}/cancel`));
    check(status === 'cancelled', `a turn that was cancelled is ${status}`);
    await subject.closed();
  }),

  ...abilities,

  contractCase('it is closed as often as it is opened, also where only tokens are counted', async (subject) => {
    await completed(ask(subject, {}));
    const { model, entry } = subject;
    await jsonOf(send(subject, 'POST', '/v1/responses/input_tokens', { model, input: 'Go', tools: [entry] }));
    await subject.closed();
    check(subject.opened() > 0, 'it was never opened');
  }),
];

/** A turn as a client sends it back, and goes on from it. */
function continued({ output }: ResponseObject): object[] {
  return [{ role: 'user', content: 'Go' }, ...output, { role: 'user', content: 'And now?' }];
}

/** Whether two calls are the same to a model, whatever their ids. */
function isSame({ id: _, ...call }: ToldCall, other: ToldCall | undefined): boolean {
  return canonicalJson(call) === canonicalJson({ ...other, id: undefined });
}
