import type { Confidential, Statement, Value } from './database.ts';

/** A piece of SQL that carries its values. A class, since nothing that a client sends can be one. */
export class Sql {
  /** With `?` for each value. */
  readonly text: string;
  readonly values: readonly Value[];
  /** Which of the values are confidential, if any is. */
  readonly confidential: readonly Confidential[] | undefined;

  constructor(text: string, values: readonly Value[], confidential?: readonly Confidential[]) {
    this.text = text;
    this.values = values;
    this.confidential = confidential;
  }
}

/** A value of the template: fragments are spliced in with their values, anything else is a bound value. */
export type Hole = Sql | Value;

/** SQL with its values. */
export function sql(texts: TemplateStringsArray, ...holes: readonly Hole[]): Sql {
  const { parts, values, confidential } = fill(holes);
  return new Sql(join(texts, parts), values, confidential);
}

/** Values or fragments with commas between them. */
export function list(holes: readonly Hole[]): Sql {
  const { parts, values, confidential } = fill(holes);
  return new Sql(parts.join(', '), values, confidential);
}

/** A value that is a text of a tenant's clients: what an encrypted database never stores as it is. An empty one tells nothing. */
export function confidential(tenant: string, text: string): Sql {
  return new Sql('?', [text], text === '' ? undefined : [{ at: 0, tenant }]);
}

/** SQL text as is: a constant of the program, such as a column or a limit; never user input. */
export function raw(text: string | number): Sql {
  return new Sql(String(text), []);
}

/** A statement that only reads: drivers never make it wait for writers. */
export function read({ text, values, confidential }: Sql): Statement {
  return confidential ? { kind: 'read', text, values, confidential } : { kind: 'read', text, values };
}

/** The same statement, whose rows may be some seconds old: for what nobody relies on who has just written. */
export function lagging(statement: Statement): Statement {
  return { ...statement, mayLag: true };
}

/** A statement that may change something. */
export function write({ text, values, confidential }: Sql): Statement {
  return confidential ? { kind: 'write', text, values, confidential } : { kind: 'write', text, values };
}

/** The text of each template value, and all bound values. */
function fill(holes: readonly Hole[]) {
  const parts: string[] = [];
  const values: Value[] = [];
  let confidential: Confidential[] | undefined;
  for (const hole of holes) {
    if (hole instanceof Sql) {
      parts.push(hole.text);
      if (hole.confidential) {
        confidential ??= [];
        for (const { at, tenant } of hole.confidential) confidential.push({ at: values.length + at, tenant });
      }
      for (const value of hole.values) values.push(value);
    } else {
      parts.push('?');
      values.push(hole);
    }
  }
  return { parts, values, confidential };
}

/** Joined texts by template, a few each: joining them anew for every turn costs more than everything else here. */
const cache = new WeakMap<TemplateStringsArray, { parts: readonly string[]; text: string }[]>();

function join(texts: TemplateStringsArray, parts: readonly string[]): string {
  const entries = cache.get(texts) ?? [];
  for (const entry of entries) if (parts.every((part, index) => part === entry.parts[index])) return entry.text;
  const text = String.raw({ raw: texts }, ...parts);
  entries.push({ parts, text });
  cache.set(texts, entries);
  return text;
}
