import { didYouMean } from '../handler/index.ts';

/** What `keys` does, by the word behind it. */
const actions = ['create', 'list', 'revoke', 'rotate'] as const;

/** One of them. */
export type KeysAction = (typeof actions)[number];

/** Flags with a value, and the actions that have them. */
const valued: Readonly<Record<string, readonly KeysAction[]>> = {
  config: actions,
  tenant: ['create', 'list'],
  user: ['create'],
  project: ['create'],
  models: ['create'],
  scopes: ['create'],
  turns: ['create'],
  'background-turns': ['create'],
  sockets: ['create'],
  'requests-per-minute': ['create'],
  'tokens-per-minute': ['create'],
  budgets: ['create'],
  expires: ['create', 'rotate'],
  overlap: ['rotate'],
};

/** Flags without one. */
const switches: Readonly<Record<string, readonly KeysAction[]>> = {
  print: ['create'],
  sql: ['create', 'revoke', 'rotate'],
};

/** The arguments behind `keys`, parsed. */
export interface KeysFlags {
  action: KeysAction;
  /** The id of the key that is revoked or replaced; empty for other actions. */
  id: string;
  /** The values of flags, by their names. */
  values: ReadonlyMap<string, string>;
  print: boolean;
  sql: boolean;
}

/** Parses the arguments behind `keys`; throws an Error that says what is wrong. */
export function readKeysFlags(args: readonly string[]): KeysFlags {
  const [word, ...rest] = args;
  const action = actions.find((known) => known === word);
  if (!action) {
    const given = word === undefined ? 'keys needs' : `"${word}" is none of keys'`;
    throw new Error(`${given} one of ${actions.join(', ')}${didYouMean(word, actions)} (see keys -help)`);
  }
  const values = new Map<string, string>();
  const set = new Set<string>();
  const ids: string[] = [];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      if (arg.startsWith('-')) throw new Error(`unexpected argument "${arg}" (see keys -help)`);
      ids.push(arg);
      continue;
    }
    const owners = Object.hasOwn(valued, name)
      ? valued[name]
      : Object.hasOwn(switches, name)
        ? switches[name]
        : undefined;
    const known = Object.entries({ ...valued, ...switches }).flatMap(([name, of]) =>
      of.includes(action) ? [name] : [],
    );
    if (!owners) {
      const hint = didYouMean(name, known).replace('mean ', 'mean -');
      throw new Error(`unknown flag -${name}${hint} (see keys -help)`);
    }
    if (!owners.includes(action)) throw new Error(`flag -${name} is not for keys ${action} (see keys -help)`);
    if (values.has(name) || set.has(name)) throw new Error(`flag -${name} is there twice`);
    if (Object.hasOwn(switches, name)) {
      if (inline !== undefined && inline !== 'true') throw new Error(`flag -${name} takes no value`);
      set.add(name);
      continue;
    }
    const value = inline ?? (rest[0]?.startsWith('-') ? undefined : rest.shift());
    if (!value) throw new Error(`flag -${name} needs a value`);
    values.set(name, value);
  }
  const [print, sql] = [set.has('print'), set.has('sql')];
  if (print && sql) throw new Error('flags -print and -sql: take one of them');
  return { action, id: idOf(action, ids), values, print, sql };
}

function idOf(action: KeysAction, given: readonly string[]): string {
  const [id, more] = given;
  const takesOne = action === 'revoke' || action === 'rotate';
  const unexpected = takesOne ? more : id;
  if (unexpected !== undefined)
    throw new Error('unexpected argument behind keys: a value follows its flag (see keys -help)');
  if (!takesOne) return '';
  if (id === undefined) throw new Error(`keys ${action} needs the id of a key, as keys list has it`);
  // Whoever has found a key that is to be revoked has all of it.
  return /^ak_([a-z\d]{1,32})_/.exec(id)?.[1] ?? id;
}
