import { readdirSync, readFileSync } from 'node:fs';
import { ApiError } from '../handler/errors.ts';
import { AddItems, CreateConversation, UpdateConversation } from '../handler/protocol/conversation.ts';
import { eventTypes } from '../handler/protocol/event-types.ts';
import { ListQuery } from '../handler/protocol/list.ts';
import { CreateRequest, Include } from '../handler/protocol/request.ts';
import { replySchemas } from '../handler/routes/reply-schemas.ts';
import { planTurn } from '../handler/turn/plan.ts';
import { Comparison, type Row } from './coverage/compare.ts';
import { alternativesOf, Declarations } from './coverage/declarations.ts';
import { look } from './schema.ts';

// Prints which of the official SDK's fields, kinds, values and events the server covers: `npm run coverage:api`.

const sdk = new Declarations(
  '../core/pagination',
  'shared',
  'conversations/conversations',
  'conversations/items',
  'responses/input-items',
  'responses/responses',
);
const comparison = new Comparison(sdk);

function compare(group: string, name: string, schema: object): void {
  const declared = sdk.interfaces.get(name);
  if (!declared) throw new Error(`the SDK has no ${name}`);
  comparison.object(group, '', declared, look(schema));
}

compare('parameters', 'ResponseCreateParamsBase', CreateRequest);
compare('conversations', 'ConversationCreateParams', CreateConversation);
compare('conversations', 'ConversationUpdateParams', UpdateConversation);
const items = { entries: { ...AddItems.entries, include: Include } };
compare('conversations', 'ItemCreateParams', items);
const list = { entries: { ...ListQuery.entries, include: Include } };
compare('lists', 'ItemListParams', list);
compare('lists', 'InputItemListParams', list);

/** A parameter that the schema takes and the plan refuses when it asks for anything. */
function isRefused(name: string): boolean {
  try {
    const before = { items: [], previous: null, conversation: null };
    planTurn(
      { model: 'm', input: 'Hi', [name]: true },
      { registered: new Map(), dropped: new Set() },
      before,
      undefined,
    );
    return false;
  } catch (error) {
    return error instanceof ApiError && error.kind === 'unsupported' && error.param === name;
  }
}

const rows: Row[] = comparison.rows.map((row) =>
  row.group === 'parameters' && row.fate === 'covered' && look(CreateRequest).entries?.[row.name] && isRefused(row.name)
    ? { ...row, fate: 'refused' }
    : row,
);

/** What the SDK reads, by name, against what the server can send. */
function reads(group: string, theirs: Iterable<string>, ours: readonly string[]): void {
  for (const name of theirs) rows.push({ group, name, fate: ours.includes(name) ? 'covered' : 'missing' });
}

const { properties } = replySchemas.Response as { properties: Record<string, { enum?: string[] }> }; // as it is written
const texts = (type = '') => alternativesOf(type).map((part) => part.replace(/^'|'$/g, ''));
const response = sdk.interfaces.get('Response')?.members ?? new Map();
reads(
  'response fields',
  [...response.keys()].filter((name) => name !== 'output_text'),
  Object.keys(properties),
); // the SDK's own sum
reads('statuses', texts(sdk.aliases.get('ResponseStatus')), properties.status?.enum ?? []);
const events = alternativesOf(sdk.aliases.get('ResponseStreamEvent') ?? '').flatMap((name) =>
  texts(sdk.interfaces.get(name)?.members.get('type')),
);
reads('events with types', events, eventTypes);
const HANDLER = new URL('../handler/', import.meta.url);
const code = readdirSync(HANDLER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('protocol/'))
  .map((name) => readFileSync(new URL(name, HANDLER), 'utf8'))
  .join();
reads(
  'events that are sent',
  events,
  events.filter((name) => code.includes(`'${name}'`)),
);

const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(0)} %`;
const line = (...cells: (string | number)[]) =>
  console.log(cells.map((cell, index) => (index === 0 ? `${cell}`.padEnd(24) : `${cell}`.padStart(9))).join(''));

line('', 'known', 'covered', '', 'refused', 'missing');
for (const [group, found] of Object.entries(
  Object.groupBy([...rows, ...rows.map((row) => ({ ...row, group: 'all' }))], ({ group }) => group),
)) {
  const of = (fate: Row['fate']) => found?.filter((row) => row.fate === fate).length ?? 0;
  const known = found?.length ?? 0;
  line(group, known, of('covered'), percent(of('covered'), known), of('refused'), of('missing'));
}
for (const [fate, title] of [
  ['refused', 'Refused with 422, which names the field'],
  ['missing', 'Missing: not read in requests, never sent'],
] as const) {
  console.log(`\n${title}:`);
  for (const [group, found] of Object.entries(
    Object.groupBy(
      rows.filter((row) => row.fate === fate),
      ({ group }) => group,
    ),
  )) {
    console.log(`  ${group}: ${found?.map(({ name }) => name).join(', ')}`);
  }
}
