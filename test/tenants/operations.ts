import type { Actor, Answer } from './actor.ts';
import { ADD, CALL, HOLD, large, type Who } from './world.ts';

/** One thing that a caller does: of which kind, to something of its own or of the other's, chosen by numbers. */
export interface Operation {
  who: Who;
  kind: OperationKind;
  other: boolean;
  n: number;
  m: number;
}

/** What an operation may name: something of the caller, or of the other one where the operation says so. */
export interface Names {
  response(): string;
  background(): string;
  conversation(): string;
  item(): string;
  sealed(): object;
}

type Run = (actor: Actor, names: Names, operation: Operation) => Promise<Answer>;

const include = ['reasoning.encrypted_content'];
const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }];

/** The members that every create has; what is asked has the caller's name, so that it is seen where it must not be. */
function asks({ model, who }: Actor, { n }: Operation) {
  const metadata = { kind: n % 2 ? 'odd' : 'even', of: n % 3 ? who : 'both' };
  return { model: model.name, input: `${who} says ${n}`, include, tools, ...(n % 4 && { metadata }) };
}

/** Sends a create in one of the ways that there are. */
function create(actor: Actor, { m }: Operation, body: object, headers?: Record<string, string>): Promise<Answer> {
  if (m % 4 === 3) return actor.inBackground(body, headers);
  const how = [{}, { stream: true }, { store: false, stream: m % 8 === 2 }][m % 4];
  return actor.ask('POST', '/v1/responses', { ...body, ...how }, headers);
}

const message = (text: string) => ({ role: 'user', content: text });
const shared = (text: string) => ({ type: 'message', id: 'msg_shared', role: 'user', content: text });

/** An item by its id: mostly by one that clients chose, and that several lists have. */
const itemOf = (names: Names, m: number) => (m < 6 ? 'msg_shared' : names.item());

/** What a list is asked for: a page, or what has something. */
function listed(names: Names, { n, m, other }: Operation): string {
  const page = `limit=${1 + (n % 5)}&order=${n % 2 ? 'asc' : 'desc'}`;
  const filters = [
    `id=${names.response()}`,
    `id=${names.conversation()}`,
    `id=${itemOf(names, n % 8)}`,
    `metadata[kind]=${n % 2 ? 'odd' : 'even'}&metadata[of]=both`,
    other ? 'status=failed' : `after=${names.response()}`, // an id is a place in the order of times, whoever has it
    other ? 'created_after=1' : `after=${names.conversation()}`,
    'status=completed&model=scripted-0',
    'user=a',
  ];
  return `${page}&${filters[m]}${n > 8 ? '&metadata[kind]=odd' : ''}`;
}

/** All that a caller can do over HTTP. */
export const operations = {
  create: (actor, _, o) => create(actor, o, asks(actor, o)),
  large: (actor, _, o) => {
    const text = large(actor.who);
    return create(actor, o, { ...asks(actor, o), input: `${actor.who} says ${text}`, instructions: text });
  },
  call: (actor, _, o) => create(actor, o, { ...asks(actor, o), input: `${actor.who} says ${CALL}` }),
  add: (actor, _, o) =>
    create(actor, o, { ...asks(actor, o), input: `${actor.who} says ${ADD}`, tools: [{ type: 'test_tool' }] }),
  converseNamed: (actor, names, o) => {
    const input = [{ ...shared(`${actor.who} says ${o.n}`), id: 'msg_named' }];
    return create(actor, o, { ...asks(actor, o), input, conversation: names.conversation() });
  },
  deleteNamed: (actor, names) => actor.ask('DELETE', `/v1/conversations/${names.conversation()}/items/msg_named`),
  deleteCompaction: (actor, names) =>
    actor.ask('DELETE', `/v1/conversations/${names.conversation()}/items/${actor.compaction()}`),
  named: (actor, _, o) => create(actor, o, { ...asks(actor, o), input: [shared(`${actor.who} says ${o.n}`)] }),
  prompt: (actor, _, o) => create(actor, o, { ...asks(actor, o), prompt: { id: o.n % 2 ? 'greeting' : 'none' } }),
  continue: (actor, names, o) => create(actor, o, { ...asks(actor, o), previous_response_id: names.response() }),
  answer: (actor, names, o) => {
    const input = [{ type: 'function_call_output', call_id: 'call_0', output: `${actor.who} answers` }];
    return create(actor, o, { ...asks(actor, o), input, previous_response_id: names.response() });
  },
  converse: (actor, names, o) => create(actor, o, { ...asks(actor, o), conversation: names.conversation() }),
  refer: (actor, names, o) => {
    const input = [{ type: 'item_reference', id: names.item() }, message(`${actor.who} says ${o.n}`)];
    return create(actor, o, { ...asks(actor, o), input });
  },
  reveal: (actor, names, o) => {
    return create(actor, o, { ...asks(actor, o), input: [names.sealed(), message(`${actor.who} says ${o.n}`)] });
  },
  keyed: (actor, names, o) => {
    const body = { ...asks(actor, { ...o, n: 0 }), ...(o.n % 3 === 2 && { previous_response_id: names.response() }) };
    return create(actor, o, body, { 'idempotency-key': `key-${o.n % 2}` });
  },
  compactWithin: (actor, names, o) => {
    const input = [message(`${actor.who} says ${o.n}`), { type: 'compaction_trigger' }];
    const after = [{ previous_response_id: names.response() }, { conversation: names.conversation() }, {}][o.n % 3];
    return create(actor, o, { ...asks(actor, o), input, ...after });
  },
  compact: (actor, names, o) => {
    const { model } = asks(actor, o);
    const input = o.n % 2 ? [names.sealed(), message(`${actor.who} says ${o.n}`)] : `${actor.who} says ${o.n}`;
    const body = { model, input, ...(o.n % 3 !== 0 && { previous_response_id: names.response() }) };
    return actor.ask('POST', '/v1/responses/compact', body);
  },
  count: (actor, names, o) => {
    const { model, input } = asks(actor, o);
    const reference = [{ type: 'item_reference', id: names.item() }, message(input)];
    const body = [
      { model, input, previous_response_id: names.response() },
      { model, input, conversation: names.conversation() },
      { model, input: reference },
      { model, input: [names.sealed(), message(input)] },
    ][o.m % 4];
    return actor.ask('POST', '/v1/responses/input_tokens', body);
  },
  socket: (actor, names, o) => {
    const { model, input } = asks(actor, o);
    const previous = o.n % 3 ? { previous_response_id: names.response() } : {};
    return actor.overSocket({ model, input, store: o.m % 2 === 0, generate: o.m % 8 !== 7, ...previous });
  },
  hangUp: async (actor) => {
    actor.hangUp();
    return 'hung up';
  },
  get: (actor, names) => actor.ask('GET', `/v1/responses/${names.response()}`),
  head: (actor, names) => actor.ask('HEAD', `/v1/responses/${names.response()}`),
  resume: async (actor, names, { m }) => {
    const id = m < 6 ? names.background() : names.response();
    if (actor.held?.id === id) await actor.release(); // its events would be waited for
    return actor.ask('GET', `/v1/responses/${id}?stream=true${m % 3 ? `&starting_after=${m}` : ''}`);
  },
  inputItems: (actor, names, { m }) => {
    const after = m % 2 ? `&after=${itemOf(names, m)}` : '';
    return actor.ask('GET', `/v1/responses/${names.response()}/input_items?limit=${1 + (m % 3)}${after}`);
  },
  cancel: async (actor, names, { m }) => {
    const id = m < 6 ? names.background() : names.response();
    const answer = await actor.ask('POST', `/v1/responses/${id}/cancel`);
    if (actor.held?.id === id && !actor.held.reply) await actor.release();
    return answer;
  },
  delete: async (actor, names) => {
    const id = names.response();
    if (actor.held?.id === id) await actor.release(); // what is left of it is not heard
    return actor.ask('DELETE', `/v1/responses/${id}`);
  },
  newConversation: (actor, _, { n, m }) => {
    const text = m % 4 === 3 ? large(actor.who) : `${actor.who} says ${n}`;
    const items = m % 2 ? [shared(text), message(text)] : [];
    return actor.ask('POST', '/v1/conversations', { metadata: { of: n % 3 ? actor.who : 'both', kind: 'odd' }, items });
  },
  listResponses: (actor, names, o) => actor.ask('GET', `/v1/responses?${listed(names, o)}`),
  listConversations: (actor, names, o) => actor.ask('GET', `/v1/conversations?${listed(names, o)}`),
  getConversation: (actor, names) => actor.ask('GET', `/v1/conversations/${names.conversation()}`),
  changeConversation: (actor, names, { n }) => {
    return actor.ask('POST', `/v1/conversations/${names.conversation()}`, { metadata: { of: `${actor.who} ${n}` } });
  },
  deleteConversation: (actor, names) => actor.ask('DELETE', `/v1/conversations/${names.conversation()}`),
  listItems: (actor, names, { m }) => {
    const after = m % 2 ? `&after=${itemOf(names, m)}` : '';
    const order = m % 4 > 1 ? 'asc' : 'desc';
    return actor.ask('GET', `/v1/conversations/${names.conversation()}/items?order=${order}&limit=${1 + m}${after}`);
  },
  addItems: (actor, names, { n, m }) => {
    const text = `${actor.who} adds ${n}`;
    const items = [m % 3 === 0 ? shared(text) : m % 3 === 1 ? message(text) : names.sealed()];
    return actor.ask('POST', `/v1/conversations/${names.conversation()}/items`, { items });
  },
  getItem: (actor, names, { m }) =>
    actor.ask('GET', `/v1/conversations/${names.conversation()}/items/${itemOf(names, m)}`),
  deleteItem: (actor, names, { m }) =>
    actor.ask('DELETE', `/v1/conversations/${names.conversation()}/items/${itemOf(names, m)}`),
  hold: (actor, names, o) => {
    const { model } = asks(actor, o);
    const within = o.n % 2 ? { conversation: names.conversation() } : {};
    return actor.hold({ model, ...within }, o.m % 2 === 1);
  },
  holdLarge: (actor) => actor.hold({ model: actor.model.name, instructions: large(actor.who) }, true),
  holdAdd: (actor) => {
    const input = `${actor.who} says ${ADD} ${HOLD}`;
    return actor.hold({ model: actor.model.name, input, tools: [{ type: 'test_tool' }] }, true);
  },
  usage: (actor, _, { m }) => actor.ask('GET', `/v1/usage?group_by=${['model,kind', 'kind'][m % 2]}&limit=${1 + m}`),
  release: (actor) => actor.release(),
  leave: (actor) => actor.leave(),
} satisfies Record<string, Run>;

/** The name of one of them. */
export type OperationKind = keyof typeof operations;
