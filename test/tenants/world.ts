import { type Caller, type Isolation, partitionOf } from '../../handler/caller.ts';
import { compileCel } from '../../handler/cel.ts';
import type { Database } from '../../handler/index.ts';
import { parseConfig } from '../../handler/index.ts';
import { raw, read, sql } from '../../handler/state/database/sql.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import type { Chosen } from '../support/doors/in-process.ts';
import { type Script, type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';

/** One of the two whose things must not meet. */
export type Who = 'a' | 'b';

/** The header that says who sends a request. */
export const WHO = 'x-who';

/** Who they are where tenants are apart, and where the users of one tenant are. */
const CALLERS: Record<Isolation, Record<Who, Caller>> = {
  tenant: { a: { id: 'same', tenant: 'a' }, b: { id: 'same', tenant: 'b' } },
  user: { a: { id: 'same', tenant: 't', user: 'a' }, b: { id: 'same', tenant: 't', user: 'b' } },
};

/** What a text of a request has the model do: wait until it is released, say much, call a function, or one of this server. */
export const [HOLD, LARGE, CALL, ADD] = ['Hold.', 'Large.', 'Call.', 'Add.'];

/** A text that is stored in pieces. */
export const large = (who: Who) => `${LARGE} ${who.repeat(180_000)}`;

/** A model that says all that it is told, so that what a tenant is told of another shows, and whoever it keeps waiting. */
export class EchoModel {
  readonly server: ScriptedModel;
  readonly name: string;
  readonly #held = new Map<string, { begun: () => void; open: Promise<void> }>();
  readonly #gates = new Map<string, () => void>();

  private constructor(server: ScriptedModel) {
    this.server = server;
    this.name = server.script(this.#echo);
  }

  static async start(): Promise<EchoModel> {
    return new EchoModel(await startScriptedModel());
  }

  /** Has the next call that is to wait do so; resolves when the model has got it, and `release` lets it go on. */
  hold(who: Who): Promise<void> {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    this.#held.set(who, { begun: begun.resolve, open: gate.promise });
    this.#gates.set(who, gate.resolve);
    return begun.promise;
  }

  release(who: Who): void {
    this.#gates.get(who)?.();
  }

  readonly #echo: Script = async (turn) => {
    const sent = JSON.stringify(turn.body.messages ?? turn.body);
    const told = sent.replace(/_[0-9a-f]{48}/g, ''); // ids differ from run to run, and models are told those of calls
    const last = JSON.stringify(turn.body.messages.at(-1));
    const who = /(a|b) says/.exec(told)?.[1] ?? '';
    const isAfterTool = turn.body.messages.at(-1)?.role === 'tool';
    if (isAfterTool ? told.includes(HOLD) : last.includes(HOLD) && !last.includes(ADD)) {
      const held = this.#held.get(who);
      held?.begun();
      await Promise.race([held?.open, turn.closed]);
    }
    await turn.delta({ reasoning_content: `thought: ${digest(told)}` });
    if (last.includes(CALL)) {
      const call = { index: 0, id: 'call_0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
      await turn.delta({ tool_calls: [call] });
      return turn.finish('tool_calls');
    }
    if (last.includes(ADD)) {
      const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":1,"b":2}' } };
      await turn.delta({ tool_calls: [call] });
      return turn.finish('tool_calls');
    }
    await turn.text(told.length > 20_000 ? digest(told) : told);
    if (last.includes(LARGE)) await turn.text(who.repeat(180_000));
    await turn.finish();
  };
}

/** A text of any length as one that is not long: its beginning, and what no other has. */
export function shortened(text: string): string {
  return text.length > 4_000 ? `${text.slice(0, 1_000)}... ${digest(text)}` : text;
}

/** A short text that another long one does not have. */
function digest(text: string): string {
  let hash = 5381;
  for (let n = 0; n < text.length; n++) hash = (Math.imul(hash, 33) ^ text.charCodeAt(n)) | 0;
  return `${text.length} characters, ${hash}`;
}

const prompts = [{ id: 'greeting', version: '1', instructions: 'Be kind.' }];

/** What the handler of both is opened with. */
export function chosenFor(model: EchoModel, isolation: Isolation, database?: Database): Chosen {
  const { server } = model;
  const config = parseConfig({
    models: [
      { match: 'scripted-*', backend: 'chat', url: server.url, key: 'test-key', send: { keep: ['reasoning_content'] } },
    ],
    secrets: [{ id: 'k1', key: 'the key of the tests, k1, 32 bytes' }],
    prompts,
    isolation,
    limits: { keepAlive: '1h', lease: '1h' },
    errors: 'tiers',
    usage: true,
    costs: [{ match: '*', cel: 'total_tokens' }],
  });
  const callers = CALLERS[isolation];
  return {
    config,
    compileCel,
    ...(database && { database }),
    identify: (request) => callers[request.headers.get(WHO) === 'a' ? 'a' : 'b'],
  };
}

const TABLES = [
  'responses',
  'items',
  'chunks',
  'conversations',
  'idempotency',
  'jobs',
  'events',
  'deliveries',
  'metadata',
];

/** Columns that hold times, and ids of requests, of which there are more where one has to look again; of those that may be empty, whether they are. */
const TIMES = /^(created_at|created|used_at|expires_at|next_at|request)$/;
const MAYBE_TIMES = /^(log_until|deleted_at)$/;

/** All rows of one of them, without what differs from run to run: the events of a response, which are stored in blocks, are one. */
export async function rowsOf(database: Database, who: Who, isolation: Isolation): Promise<string[]> {
  const partition = partitionOf(CALLERS[isolation][who], isolation) ?? '';
  const rows: string[] = [];
  const logs = new Map<string, { at: [number, number]; body: string }[]>();
  for (const table of TABLES) {
    const { found } = await database.batch({
      found: read(sql`SELECT * FROM ${raw(table)} WHERE tenant = ${partition}`),
    });
    for (const row of found) {
      if (table === 'events' || row.side === 'log') {
        const response = String(row.response ?? row.holder);
        const at: [number, number] = table === 'events' ? [Number(row.n), -1] : [Number(row.place), Number(row.n)];
        logs.set(response, [...(logs.get(response) ?? []), { at, body: String(row.body) }]);
      } else rows.push(`${table} ${JSON.stringify(Object.fromEntries(Object.entries(row).flatMap(plainColumn)))}`);
    }
  }
  for (const [response, blocks] of logs) {
    blocks.sort((one, other) => one.at[0] - other.at[0] || one.at[1] - other.at[1]);
    const text = blocks.map(({ at: [, piece], body }) => (piece < 0 ? `\n${body}` : body)).join('');
    rows.push(`events ${response} ${text}`);
  }
  return rows.map((row) => shortened(withoutTimes(row))).sort();
}

function plainColumn([name, value]: [string, unknown]): [string, unknown][] {
  if (TIMES.test(name)) return [];
  if (MAYBE_TIMES.test(name)) return [[name, value === null]];
  return [[name, name === 'owner' ? value !== '' : value]];
}

/** Sweeps as if it were so much later. */
export async function sweepLater(database: Database, later: number, conversations?: number): Promise<void> {
  await sweep(database, new ProcessLease(3_600_000), Date.now() + later, {
    ...(conversations !== undefined && { conversations }),
  });
}

/** A text without times, and what is sealed with a new number each time. */
export function withoutTimes(text: string): string {
  return text
    .replace(/(\\*"(?:created_at|completed_at)\\*":)\d+(\.\d+)?/g, '$10')
    .replace(/antiphon\.2\.k1\.[\w+/=.-]+/g, (sealed) => `sealed of ${sealed.length}`)
    .replace(/(\\*"request_id\\*":\\*")[\w-]+/g, '$1req')
    .replace(/,?\\*"obfuscation\\*":\\*"[^"\\]*\\*"/g, '');
}
