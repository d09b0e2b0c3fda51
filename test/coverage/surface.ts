import { alternativesOf, Declarations, type Declared } from './declarations.ts';
import { endpoints } from './endpoints.ts';

/** One thing that the official types know: a parameter, a kind of item, a member, a value, an event, an endpoint. */
export interface SurfaceRow {
  group: string;
  /** As `kind`, `kind.member`, `kind.member=value`, or `kind.member:kind` for what may stand there; without spaces. */
  name: string;
}

/** The types that requests and replies are made of, as the installed SDK declares them. */
export const sdk = new Declarations(
  '../core/pagination',
  'shared',
  'conversations/conversations',
  'conversations/items',
  'responses/input-items',
  'responses/input-tokens',
  'responses/responses',
  'models',
);

/** What has a group of its own; another type that mentions it does not repeat its rows. */
const roots: [group: string, ...types: string[]][] = [
  ['parameters', 'ResponseCreateParamsBase'],
  ['tools', 'Tool'],
  ['input items', 'ResponseInputItem', 'ResponseInput'],
  ['output items', 'ResponseOutputItem'],
  ['listed items', 'ResponseItem'],
  ['conversation items', 'ConversationItem'],
  ['events', 'ResponseStreamEvent'],
  ['websocket', 'ResponsesClientEvent'],
  ['websocket', 'ResponsesServerEvent'],
  ['include', 'ResponseIncludable'],
  ['statuses', 'ResponseStatus'],
  ['usage', 'ResponseUsage'],
  ['errors', 'ResponseError'],
  ['response', 'Response'],
  ['conversations', 'ConversationCreateParams'],
  ['conversations', 'ConversationUpdateParams'],
  ['conversations', 'Conversation'],
  ['conversations', 'ConversationDeletedResource'],
  ['queries', 'ResponseRetrieveParamsBase'],
  ['queries', 'InputItemListParams'],
  ['queries', 'ItemCreateParams'],
  ['queries', 'ItemRetrieveParams'],
  ['queries', 'ItemListParams'],
  ['lists', 'ResponseItemList'],
  ['lists', 'ConversationItemList'],
  ['input_tokens', 'InputTokenCountParams'],
  ['input_tokens', 'InputTokenCountResponse'],
  ['compact', 'ResponseCompactParams'],
  ['compact', 'CompactedResponse'],
];

/** What has no rows but its kinds: events that a WebSocket has are the stream's. */
const KINDS_ONLY = new Set(['websocket']);

/** Parts of requests and replies that are values of a type, not members: any other text does as well. */
const OPEN = new Set(['ResponsesModel', 'AllModels', 'ChatModel']);

/** Each row of the surface that the official types declare, once; endpoints are those that the SDK asks. */
export function surfaceRows(): SurfaceRow[] {
  const walk = new Walk();
  for (const [group, type = ''] of roots) walk.root(group, type);
  return [...walk.rows, ...endpoints().map((name) => ({ group: 'endpoints', name }))];
}

class Walk {
  readonly rows: SurfaceRow[] = [];
  readonly #seen = new Set<string>();
  readonly #own = new Set(roots.flatMap(([, ...types]) => types));

  root(group: string, name: string): void {
    const declared = sdk.interfaces.get(name);
    if (declared) this.#members(group, '', declared);
    else if (KINDS_ONLY.has(group)) for (const kind of kindsIn(name)) this.#add(group, kind);
    else this.#type(group, '', sdk.aliases.get(name) ?? '', name);
  }

  /** Whether the row is new. */
  #add(group: string, name: string): boolean {
    if (this.#seen.has(`${group} ${name}`)) return false;
    this.#seen.add(`${group} ${name}`);
    this.rows.push({ group, name });
    return true;
  }

  #members(group: string, path: string, declared: Declared): void {
    for (const [name, type] of sdk.membersOf(declared)) {
      if (name === 'type' && kindsOf(declared).length > 0) continue; // its values are the kinds
      const at = path ? `${path}.${name}` : name;
      this.#add(group, at);
      const choice = group === 'parameters' && name === 'tool_choice';
      this.#type(choice ? 'tool_choice' : group, choice ? '' : at, type, declared.name);
    }
  }

  #type(group: string, path: string, type: string, store: string): void {
    for (const part of alternativesOf(type)) {
      const list = /^(?:Array<(.*)>|(.*)\[\])$/.exec(part);
      const literal = /^'(.*)'$/.exec(part)?.[1];
      if (list) this.#type(group, path, list[1] ?? list[2] ?? '', store);
      else if (literal !== undefined) this.#add(group, path ? `${path}=${literal}` : literal);
      else this.#named(group, path, part, store);
    }
  }

  #named(group: string, path: string, name: string, store: string): void {
    const full = sdk.find(name, store);
    if (!full || OPEN.has(full) || (this.#own.has(full) && path)) return;
    const alias = sdk.aliases.get(full);
    if (alias) this.#type(group, path, alias, full);
    const declared = sdk.interfaces.get(full);
    if (!declared) return;
    const kinds = kindsOf(declared);
    if (kinds.length === 0) this.#members(group, path, declared);
    for (const kind of kinds) {
      this.#add(group, path ? `${path}:${kind}` : kind);
      if (!path) this.#members(group, kind, declared);
      // A tool is the same wherever it stands; any other kind has its members once, as a part.
      else if (!this.#seen.has(`tools ${kind}`)) this.#part(kind, declared);
    }
  }

  #part(kind: string, declared: Declared): void {
    const key = `part ${kind} ${declared.name}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#add('parts', kind);
    this.#members('parts', kind, declared);
  }
}

/** The kinds of a union. */
export function kindsIn(union: string): string[] {
  return alternativesOf(sdk.aliases.get(union) ?? '').flatMap((name) => {
    const full = sdk.find(name, union) ?? '';
    const declared = sdk.interfaces.get(full);
    return declared ? kindsOf(declared) : sdk.aliases.has(full) ? kindsIn(full) : [];
  });
}

/** The values of an interface's `type`. */
export function kindsOf(declared: Declared): string[] {
  return alternativesOf(sdk.membersOf(declared).get('type') ?? '').flatMap((type) => /^'(.*)'$/.exec(type)?.[1] ?? []);
}
