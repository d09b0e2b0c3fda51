import type { Statement, Value } from './database.ts';

/** A piece of SQL that carries its values. A class, since nothing that a client sends can be one. */
export class Sql {
  /** With `?` for each value. */
  readonly text: string;
  readonly values: readonly Value[];

  constructor(text: string, values: readonly Value[]) {
    this.text = text;
    this.values = values;
  }
}

/** What stands in a hole: a fragment is spliced in with its values, anything else is a value. */
export type Hole = Sql | Value;

/** SQL with its values. */
export function sql(texts: TemplateStringsArray, ...holes: readonly Hole[]): Sql {
  const { parts, values } = fill(holes);
  return new Sql(join(texts, parts), values);
}

/** Values or fragments with commas between them. */
export function list(holes: readonly Hole[]): Sql {
  const { parts, values } = fill(holes);
  return new Sql(parts.join(', '), values);
}

/** A constant of the program as it stands, such as a column's name or a limit; never what anyone has sent. */
export function raw(text: string | number): Sql {
  return new Sql(String(text), []);
}

/** A statement that changes nothing: no driver has it wait for those who write. */
export function read({ text, values }: Sql): Statement {
  return { kind: 'read', text, values };
}

/** A statement that may change something. */
export function write({ text, values }: Sql): Statement {
  return { kind: 'write', text, values };
}

/** The text of each hole, and the values of all. */
function fill(holes: readonly Hole[]): { parts: string[]; values: Value[] } {
  const parts: string[] = [];
  const values: Value[] = [];
  for (const hole of holes) {
    if (hole instanceof Sql) {
      parts.push(hole.text);
      for (const value of hole.values) values.push(value);
    } else {
      parts.push('?');
      values.push(hole);
    }
  }
  return { parts, values };
}

/** Texts that were joined before, by their template: a few each. To join them for every turn costs more than all else here. */
const cache = new WeakMap<TemplateStringsArray, { parts: readonly string[]; text: string }[]>();

function join(texts: TemplateStringsArray, parts: readonly string[]): string {
  const entries = cache.get(texts) ?? [];
  for (const entry of entries) if (parts.every((part, index) => part === entry.parts[index])) return entry.text;
  const text = String.raw({ raw: texts }, ...parts);
  entries.push({ parts, text });
  cache.set(texts, entries);
  return text;
}
