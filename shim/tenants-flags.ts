import { didYouMean } from '../handler/index.ts';

/** What `tenants` does, by the word behind it. */
const actions = ['list', 'export', 'delete', 'shred', 'rotate'] as const;

/** One of them. */
export type TenantsAction = (typeof actions)[number];

/** The arguments behind `tenants`, parsed. */
export interface TenantsFlags {
  action: TenantsAction;
  /** Empty for `list`. */
  tenant: string;
  config?: string;
  /** The file that `export` writes; stdout without it. */
  output?: string;
  /** Whether `delete` and `shred` ask nobody. */
  yes: boolean;
}

/** Flags by the actions that have them. */
const known: Readonly<Record<string, readonly TenantsAction[]>> = {
  config: actions,
  output: ['export'],
  yes: ['delete', 'shred'],
};

/** Parses the arguments behind `tenants`; throws an Error that says what is wrong. */
export function readTenantsFlags([word, ...rest]: readonly string[]): TenantsFlags {
  const action = actions.find((one) => one === word);
  if (!action) {
    const given = word === undefined ? 'tenants needs' : `"${word}" is none of tenants'`;
    throw new Error(`${given} one of ${actions.join(', ')}${didYouMean(word, actions)} (see tenants -help)`);
  }
  const flags: TenantsFlags = { action, tenant: '', yes: false };
  const names: string[] = [];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      names.push(arg);
      continue;
    }
    const owners = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!owners) {
      const own = Object.keys(known).filter((flag) => known[flag]?.includes(action));
      throw new Error(`unknown flag -${name}${didYouMean(name, own).replace('mean ', 'mean -')} (see tenants -help)`);
    }
    if (!owners.includes(action)) throw new Error(`flag -${name} is not for tenants ${action} (see tenants -help)`);
    if (name === 'yes') {
      if (inline !== undefined && inline !== 'true') throw new Error('flag -yes takes no value');
      flags.yes = true;
      continue;
    }
    const value = inline ?? (rest[0]?.startsWith('-') ? undefined : rest.shift());
    if (!value) throw new Error(`flag -${name} needs a value`);
    flags[name === 'config' ? 'config' : 'output'] = value;
  }
  const [tenant, more] = names;
  const unexpected = action === 'list' ? tenant : more;
  if (unexpected !== undefined) throw new Error(`unexpected argument "${unexpected}" (see tenants -help)`);
  if (action === 'list') return flags;
  if (!tenant) throw new Error(`tenants ${action} needs the name of a tenant, as tenants list has it`);
  return { ...flags, tenant };
}
