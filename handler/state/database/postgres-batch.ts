import type { Row, Statement, Value } from './database.ts';

/** The part of a connection of `pg` that is used: messages of the extended protocol, and those that come back. */
export interface PostgresConnection {
  parse(query: { name: string; text: string }): void;
  bind(config: { statement: string; values: (string | null)[] }): void;
  describe(what: { type: 'P'; name: '' }): void;
  execute(what: { portal: '' }): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
  on(event: 'parseComplete', then: () => void): unknown;
  stream: { cork?(): void; uncork?(): void };
}

/** What a server says of a column. */
interface Field {
  name: string;
  dataTypeID: number;
}

/**
 * The statements that a connection has by name, those that it has been sent and not yet answered, and those behind a mistake: a server has
 * not looked at them, and a pooler has them.
 */
interface Prepared {
  names: Set<string>;
  sent: string[];
  behind: Set<string>;
}

const preparedOf = new WeakMap<PostgresConnection, Prepared>();

/** Names of statements by their text. */
const nameOf = new Map<string, string>();

/** Types whose values are numbers: int2, int4, int8, float4, float8, numeric, and bool, which other databases have as 0 and 1. */
const [BOOL, NUMBERS] = [16, new Set([21, 23, 20, 700, 701, 1700])];

/**
 * Statements as one implicit transaction in one round trip: all their messages, and one Sync. `pg` runs it as a query of its
 * own kind.
 */
export class PostgresBatch {
  readonly #statements: readonly Statement[];
  readonly #named: boolean;
  readonly #rows: Row[][] = [];
  #row: Row[] = [];
  #fields: readonly Field[] = [];
  #connection: PostgresConnection | undefined;
  readonly #settled = Promise.withResolvers<Row[][]>();

  /** Statements that are `named` are planned once a connection, and sent by their names from then on. */
  constructor(statements: readonly Statement[], named: boolean) {
    this.#statements = statements;
    this.#named = named;
  }

  /** The rows of each statement; rejects with what the server or the connection said. */
  get rows(): Promise<Row[][]> {
    return this.#settled.promise;
  }

  submit(connection: PostgresConnection): null {
    this.#connection = connection;
    const prepared = preparedOf.get(connection) ?? prepare(connection);
    connection.stream.cork?.();
    for (const { text, values } of this.#statements) {
      const name = this.#named ? named(text) : '';
      if (name === '' || !(prepared.names.has(name) || prepared.sent.includes(name))) {
        if (prepared.behind.delete(name)) connection.close({ type: 'S', name });
        connection.parse({ name, text: numbered(text) });
        prepared.sent.push(name);
      }
      connection.bind({ statement: name, values: values.map(toText) });
      connection.describe({ type: 'P', name: '' });
      connection.execute({ portal: '' });
    }
    connection.sync();
    connection.stream.uncork?.();
    return null;
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#fields = fields;
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const row: Record<string, Value> = {};
    for (const [at, { name, dataTypeID }] of this.#fields.entries())
      row[name] = toValue(fields[at] ?? null, dataTypeID);
    this.#row.push(row);
  }

  handleCommandComplete(): void {
    this.#rows.push(this.#row);
    this.#row = [];
    this.#fields = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {
    this.#settled.resolve(this.#rows);
  }

  handleError(error: unknown): void {
    const prepared = this.#connection && preparedOf.get(this.#connection);
    for (const name of prepared?.sent.splice(0) ?? []) if (name) prepared?.behind.add(name);
    this.#settled.reject(error);
  }
}

function prepare(connection: PostgresConnection): Prepared {
  const prepared: Prepared = { names: new Set(), sent: [], behind: new Set() };
  preparedOf.set(connection, prepared);
  // What was parsed stays, also of a batch that fails later.
  connection.on('parseComplete', () => {
    const name = prepared.sent.shift();
    if (name) prepared.names.add(name);
  });
  return prepared;
}

/** The name of a text is made of it: under the same one a pooler's connection may have what another process has sent. */
function named(text: string): string {
  const known = nameOf.get(text);
  if (known !== undefined) return known;
  const name = `s${PRIMES.map((prime) => hash(text, prime).toString(36)).join('_')}`;
  nameOf.set(text, name);
  return name;
}

const PRIMES = [0x01000193, 0x9e3779b1, 0x85ebca77];

/** 32 bits of a text, others for each prime (FNV-1a with one more round). */
function hash(text: string, prime: number): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), prime);
  return Math.imul(sum ^ (sum >>> 15), prime) >>> 0;
}

/** Texts with `$1`, `$2`, ... by those with `?`. */
const numberedTexts = new Map<string, string>();

/** SQL with `$1`, `$2`, ... for each `?` that is not in quotes. */
function numbered(text: string): string {
  const known = numberedTexts.get(text);
  if (known !== undefined) return known;
  let count = 0;
  const made = text.replace(/'[^']*'|\?/g, (found) => (found === '?' ? `$${++count}` : found));
  numberedTexts.set(text, made);
  return made;
}

function toText(value: Value): string | null {
  return value === null ? null : String(value);
}

function toValue(text: string | null, type: number): Value {
  if (text === null) return null;
  if (type === BOOL) return text === 't' ? 1 : 0;
  return NUMBERS.has(type) ? Number(text) : text;
}
