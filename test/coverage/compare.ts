import { clientTools } from '../../handler/protocol/tools.ts';
import { alternatives, literals, look, type Schema, signature, unwrap, variants } from '../schema.ts';
import { alternativesOf, type Declarations, type Declared } from './declarations.ts';

/** One thing that the SDK's types know, and what the server makes of it. */
export interface Row {
  group: string;
  name: string;
  fate: 'covered' | 'refused' | 'missing';
}

/** Where a comparison has come to. */
interface At {
  /** As the row names it. */
  path: string;
  /** Where names are looked up. */
  scope: string;
}

/** Compares the SDK's types of requests with our schemas; gathers a row for each member, kind and value. */
export class Comparison {
  readonly rows: Row[] = [];
  readonly #sdk: Declarations;
  readonly #seen = new Set<string>();

  constructor(sdk: Declarations) {
    this.#sdk = sdk;
  }

  /** An interface against the schema of an object. */
  object(group: string, path: string, declared: Declared, { entries = {} }: Schema): void {
    for (const [name, type] of this.#sdk.membersOf(declared)) {
      const ours = entries[name];
      const at = { path: path ? `${path}.${name}` : name, scope: declared.name };
      if (name === 'type') continue; // its values are the kinds
      const fate = ours === undefined ? 'missing' : unwrap(ours).type === 'unknown' ? 'refused' : 'covered';
      this.#add({ group, name: at.path, fate });
      if (ours && fate === 'covered') this.#type(at, type, leaves(ours));
    }
  }

  #type(at: At, type: string, ours: readonly Schema[]): void {
    for (const part of alternativesOf(type)) {
      const list = /^(?:Array<(.*)>|(.*)\[\])$/.exec(part);
      const literal = /^'(.*)'$/.exec(part)?.[1];
      if (list) {
        const items = ours.flatMap(({ type, item }) => (type === 'array' && item ? leaves(item) : []));
        if (items.length > 0) this.#type({ ...at, path: `${at.path}[]` }, list[1] ?? list[2] ?? '', items);
      } else if (literal !== undefined) this.#value(at, literal, ours);
      else this.#named(at, part, ours);
    }
  }

  #value({ path }: At, value: string, ours: readonly Schema[]): void {
    const known = ours.some((schema) => schema.type === 'string' || literals(schema)?.includes(value));
    this.#add({
      group: path === 'include[]' ? 'include' : 'values',
      name: `${path} = ${value}`,
      fate: known ? 'covered' : 'refused',
    });
  }

  #named(at: At, name: string, ours: readonly Schema[]): void {
    const full = this.#sdk.find(name, at.scope);
    const alias = full && this.#sdk.aliases.get(full);
    const declared = full && this.#sdk.interfaces.get(full);
    if (alias) this.#type({ ...at, scope: full }, alias, ours);
    if (!declared) return;
    const objects = ours.filter(({ entries }) => entries);
    const handedOn = ours.some(({ type, entries }) => type === 'custom' && !entries); // whatever it is
    const kinds = alternativesOf(this.#sdk.membersOf(declared).get('type') ?? '').flatMap(
      (type) => /^'(.*)'$/.exec(type)?.[1] ?? [],
    );
    if (kinds.length === 0) {
      const [fitting] = objects;
      if (fitting) this.#once('members', at.path, declared, fitting);
      return;
    }
    for (const kind of kinds) {
      const fitting = objects.find(({ entries }) => entries?.type && literals(entries.type)?.includes(kind));
      const fate = fitting || handedOn ? 'covered' : 'refused';
      const row: Row = { group: groupOf(at.path), name: kind, fate };
      this.#add(row);
      if (fitting) this.#once('members', kind, declared, fitting);
    }
  }

  /** Kinds that several types share have their rows once. */
  #add(row: Row): void {
    if (!this.rows.some(({ group, name, fate }) => group === row.group && name === row.name && fate === row.fate))
      this.rows.push(row);
  }

  #once(group: string, path: string, declared: Declared, schema: Schema): void {
    const key = `${path}: ${declared.name} ${signature(schema)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.object(group, path, declared, schema);
  }
}

function groupOf(path: string): string {
  if (/^(input|items)\[\]$/.test(path)) return 'items';
  return { 'tools[]': 'tools', tool_choice: 'tool_choice' }[path] ?? 'parts and other kinds';
}

/** The schemas that may read a value, of tools those of every type. */
function leaves(schema: Schema): Schema[] {
  const inner = unwrap(schema);
  if (inner.getter) return alternatives(inner).flatMap(leaves);
  if (inner.type === 'variant') return variants(inner).flatMap(leaves);
  const further = inner.pipe?.slice(1).findLast(({ kind }) => kind === 'schema');
  if (further) return leaves(further);
  return inner.type === 'loose_object' ? Object.values(clientTools).map(look) : [inner];
}
