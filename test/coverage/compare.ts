import type { Step } from '../../handler/http/openapi/json-schema.ts';
import { clientTools } from '../../handler/protocol/tools.ts';
import { alternatives, literals, look, signature, unwrap, variants } from '../support/schema.ts';
import { alternativesOf, type Declarations, type Declared } from './declarations.ts';

/** Where a comparison has come to. */
interface At {
  /** As rows of the surface name it. */
  path: string;
  /** Where names are looked up. */
  store: string;
}

/** Compares the SDK's types of requests with our schemas; gathers each member, kind and value that no schema reads. */
export class Comparison {
  /** By the names that rows of the surface have. */
  readonly unread = new Set<string>();
  readonly #sdk: Declarations;
  readonly #seen = new Set<string>();

  constructor(sdk: Declarations) {
    this.#sdk = sdk;
  }

  /** An interface against the schema of an object. */
  object(path: string, declared: Declared, { entries = {} }: Step): void {
    for (const [name, type] of this.#sdk.membersOf(declared)) {
      if (name === 'type') continue; // its values are the kinds
      const ours = entries[name];
      const at = { path: path ? `${path}.${name}` : name, store: declared.name };
      if (ours && unwrap(ours).type !== 'unknown') this.#type(at, type, leaves(ours));
      else this.unread.add(at.path);
    }
  }

  #type(at: At, type: string, ours: readonly Step[]): void {
    for (const part of alternativesOf(type)) {
      const list = /^(?:Array<(.*)>|(.*)\[\])$/.exec(part);
      const literal = /^'(.*)'$/.exec(part)?.[1];
      if (list) {
        const items = ours.flatMap(({ type, item }) => (type === 'array' && item ? leaves(item) : []));
        if (items.length > 0) this.#type(at, list[1] ?? list[2] ?? '', items);
      } else if (literal !== undefined) this.#value(at, literal, ours);
      else this.#named(at, part, ours);
    }
  }

  #value({ path }: At, value: string, ours: readonly Step[]): void {
    const isRead = ours.some((schema) => schema.type === 'string' || literals(schema)?.includes(value));
    if (!isRead) this.unread.add(`${path}=${value}`);
  }

  #named(at: At, name: string, ours: readonly Step[]): void {
    const full = this.#sdk.find(name, at.store);
    const alias = full && this.#sdk.aliases.get(full);
    const declared = full && this.#sdk.interfaces.get(full);
    if (alias) this.#type({ ...at, store: full }, alias, ours);
    if (!declared) return;
    const objects = ours.filter(({ entries }) => entries);
    const handedOn = ours.some(({ type, entries }) => type === 'custom' && !entries); // whatever it is
    const kinds = alternativesOf(this.#sdk.membersOf(declared).get('type') ?? '').flatMap(
      (type) => /^'(.*)'$/.exec(type)?.[1] ?? [],
    );
    const [plain] = objects;
    if (kinds.length === 0 && plain) this.#once(at.path, declared, plain);
    for (const kind of kinds) {
      const fitting = objects.find(({ entries }) => entries?.type && literals(entries.type)?.includes(kind));
      if (fitting) this.#once(kind, declared, fitting);
      else if (!handedOn) this.unread.add(kind);
    }
  }

  /** Kinds that several types share are compared once. */
  #once(path: string, declared: Declared, schema: Step): void {
    const key = `${path}: ${declared.name} ${signature(schema)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.object(path, declared, schema);
  }
}

/** The schemas that may read a value, of tools those of every type. */
function leaves(schema: Step): Step[] {
  const inner = unwrap(schema);
  if (inner.getter) return alternatives(inner).flatMap(leaves);
  if (inner.type === 'variant') return variants(inner).flatMap(leaves);
  const further = inner.pipe?.slice(1).findLast(({ kind }) => kind === 'schema');
  if (further) return leaves(further);
  return inner.type === 'loose_object' ? Object.values(clientTools).map(look) : [inner];
}
