import { readFileSync } from 'node:fs';

const RESOURCES = new URL('../../node_modules/openai/resources/', import.meta.url);

/** An interface of the SDK: the types of its members as they are written, which may be missing, and what it extends. */
export interface Declared {
  name: string;
  members: Map<string, string>;
  optional: Set<string>;
  parents: string[];
}

/** What some files of the SDK declare, by their names with those of the namespaces before them. */
export class Declarations {
  readonly interfaces = new Map<string, Declared>();
  readonly aliases = new Map<string, string>();
  readonly #found = new Map<string, string | undefined>();

  constructor(...files: string[]) {
    for (const file of files) this.#read(readFileSync(new URL(`${file}.d.ts`, RESOURCES), 'utf8'));
  }

  /** The files are formatted by a machine: four spaces a level, a member or a brace at the start of a line. */
  #read(text: string): void {
    const open: { indent: number; name: string; declared?: Declared }[] = [];
    const inside = () => open.map(({ name }) => name).join('.');
    const records = /\{\s*\[key: string\]: ([^;]*);\s*\}/g; // the one kind of type that goes over several lines
    const bare = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(records, '{ [key: string]: $1 }');
    for (const line of bare.split('\n').filter((line) => line.trim() !== '')) {
      const indent = line.search(/\S/);
      while (open.length > 0 && indent <= (open.at(-1)?.indent ?? 0)) open.pop();
      const store = inside();
      const full = (name = '') => (store ? `${store}.${name}` : name);
      const begun =
        /^\s*(?:export )?(?:declare )?(namespace|interface|class) (\w+)(?:<.*>)?(?: extends ([\w., ]+))? \{/.exec(line);
      const alias = /^\s*(?:export )?type (\w+)(?:<.*>)? = (.*?);?$/.exec(line);
      const member = /^\s*'?([\w]+)'?(\?)?: (.*?);?$/.exec(line);
      const holder = open.at(-1);
      if (begun) {
        const [, kind, name = '', parents = ''] = begun;
        const declared = {
          name: full(name),
          members: new Map(),
          optional: new Set<string>(),
          parents: parents.split(', ').filter(Boolean),
        };
        if (kind === 'interface') this.interfaces.set(declared.name, declared);
        if (!line.endsWith('}')) open.push({ indent, name, ...(kind === 'interface' && { declared }) });
      } else if (alias) this.aliases.set(full(alias[1]), alias[2] ?? '');
      else if (member && holder?.declared && indent === holder.indent + 4) {
        const [, name = '', optional, type = ''] = member;
        holder.declared.members.set(name, type);
        if (optional) holder.declared.optional.add(name);
      }
    }
  }

  /** Every member of an interface, those of what it extends included. */
  membersOf({ name, members, parents }: Declared): Map<string, string> {
    if (parents.length === 0) return members;
    const inherited = parents.flatMap((parent) => {
      const found = this.interfaces.get(this.find(parent, name) ?? '');
      return found ? [...this.membersOf(found)] : [];
    });
    return new Map([...inherited, ...members]);
  }

  /** Whether an object of this interface may be without the member. */
  isOptional({ name, members, optional, parents }: Declared, member: string): boolean {
    if (members.has(member)) return optional.has(member);
    return parents.some((parent) => {
      const found = this.interfaces.get(this.find(parent, name) ?? '');
      return found ? this.isOptional(found, member) : false;
    });
  }

  /** The full name of what a type calls `name`, seen from `store`: the nearest namespace that has it. */
  find(name: string, store: string): string | undefined {
    const key = `${store} ${name}`;
    if (!this.#found.has(key)) this.#found.set(key, this.#find(name, store));
    return this.#found.get(key);
  }

  #find(name: string, store: string): string | undefined {
    const plain = name.replace(/^\w+(API|Shared)\.|^Shared\.|^\w+API\./, '');
    const around = store.split('.').map((_, index, parts) => parts.slice(0, parts.length - index).join('.'));
    return [...around.map((namespace) => `${namespace}.${plain}`), plain].find(
      (full) => this.interfaces.has(full) || this.aliases.has(full),
    );
  }
}

const known = new Map<string, string[]>();

/** The alternatives of a type as it is written, split only where they are its own. */
export function alternativesOf(type: string): string[] {
  const alternatives = known.get(type) ?? split(type);
  known.set(type, alternatives);
  return alternatives;
}

function split(type: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const char of type) {
    if ('<{(['.includes(char)) depth++;
    if ('>})]'.includes(char)) depth--;
    if (char === '|' && depth === 0) parts.push('');
    else parts.push(parts.pop() + char);
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}
