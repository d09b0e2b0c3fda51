import { alternativesOf, type Declared } from './declarations.ts';
import { kindsOf, sdk } from './surface.ts';

/**
 * What of a value is not as a type of the SDK declares it: a member that is missing, one that is not declared, a value of
 * another type. `also` names what may be otherwise all the same, as `Interface.member`, `Interface.member=null` and
 * `Interface.member=absent`.
 */
export function misfits(type: string, value: unknown, also: ReadonlySet<string> = new Set()): string[] {
  return new Check(also).type(type, value, '', '');
}

class Check {
  readonly #also: ReadonlySet<string>;

  constructor(also: ReadonlySet<string>) {
    this.#also = also;
  }

  /** A type as it is written, seen from `store`. */
  type(type: string, value: unknown, path: string, store: string): string[] {
    const tried = alternativesOf(type)
      .filter((part) => this.#isOfKind(part, value, store))
      .map((part) => this.#one(part, value, path, store));
    if (tried.length === 0) return [`${path} is of no kind that ${type.slice(0, 60)} has`];
    return tried.reduce((best, other) => (other.length < best.length ? other : best));
  }

  #one(type: string, value: unknown, path: string, store: string): string[] {
    const wrong = [`${path} is no ${type.slice(0, 60)}: ${JSON.stringify(value)?.slice(0, 60)}`];
    const list = /^(?:Array<(.*)|(.*)\[\])$/.exec(type);
    if (list) {
      if (!Array.isArray(value)) return wrong;
      const of = list[2] ?? (list[1] ?? '').replace(/>$/, '');
      return value.flatMap((item, index) => this.type(of, item, `${path}[${index}]`, store));
    }
    const literal = /^'(.*)'$/.exec(type)?.[1];
    if (literal !== undefined) return value === literal ? [] : wrong;
    if (type.startsWith('{') || type.startsWith('Record<')) return isObject(value) ? [] : wrong;
    if (type === '(string & {})') return typeof value === 'string' ? [] : wrong;
    if (type === 'null') return value === null ? [] : wrong;
    if (type === 'true' || type === 'false') return String(value) === type ? [] : wrong;
    if (type === 'unknown') return [];
    if (['string', 'number', 'boolean'].includes(type)) return typeof value === type ? [] : wrong;
    const full = sdk.find(type, store);
    const alias = full && sdk.aliases.get(full);
    if (alias) return this.type(alias, value, path, full);
    const declared = full && sdk.interfaces.get(full);
    if (!declared) throw new Error(`the SDK declares no ${type}`);
    return isObject(value) ? this.#members(declared, value, path) : wrong;
  }

  #members(declared: Declared, value: Record<string, unknown>, path: string): string[] {
    const members = sdk.membersOf(declared);
    const named = (member: string) => `${declared.name}.${member}`;
    return [
      ...[...members.keys()]
        .filter(
          (name) => !(name in value) && !sdk.isOptional(declared, name) && !this.#also.has(`${named(name)}=absent`),
        )
        .map((name) => `${path}.${name} is missing (${declared.name})`),
      ...Object.entries(value).flatMap(([name, member]) => {
        const type = members.get(name);
        if (type === undefined)
          return this.#also.has(named(name)) ? [] : [`${path}.${name} is not declared (${declared.name})`];
        if (member === null && this.#also.has(`${named(name)}=null`)) return [];
        return this.type(type, member, `${path}.${name}`, declared.name);
      }),
    ];
  }

  /** Of a union of objects with a `type` only those of the value's own are worth trying. */
  #isOfKind(type: string, value: unknown, store: string): boolean {
    const full = sdk.find(type, store);
    const declared = full && sdk.interfaces.get(full);
    if (!declared || !isObject(value)) return true;
    const kinds = kindsOf(declared);
    return kinds.length === 0 || value.type === undefined || kinds.includes(String(value.type));
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
