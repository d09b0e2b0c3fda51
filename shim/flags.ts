import { didYouMean, type Level, levelNames } from '../handler/index.ts';

/** Commands: the first word of the command line. Default: `serve`. */
const commands = ['serve', 'check', 'migrate', 'vacuum', 'keys', 'tenants', 'usage', 'secrets', 'audit'] as const;

type Command = (typeof commands)[number];

/** How log lines are written: one row for people, or JSON. */
const logFormats = ['pretty', 'json'] as const;

type LogFormat = (typeof logFormats)[number];

/** The parsed command line; absent flags are undefined. */
export interface Flags {
  command: Command;
  config?: string;
  port?: number;
  httpPort?: number;
  envoyPort?: number;
  adminPort?: number;
  logLevel?: Level;
  logFormat?: LogFormat;
  /** The arguments behind `keys`, which has flags of its own. */
  keys?: readonly string[];
  /** The same of `tenants`. */
  tenants?: readonly string[];
  /** The same of `secrets`. */
  secrets?: readonly string[];
  /** The same of `usage`. */
  usage?: readonly string[];
  /** The arguments behind `audit`. */
  audit?: readonly string[];
  /** Whether `migrate` only says what it would do. */
  check?: boolean;
  noEnvoy: boolean;
  help: boolean;
  version: boolean;
}

/** The name of the command in help texts: npm in a clone, which brings its Node, else its own. */
export const COMMAND = import.meta.url.endsWith('.ts') ? 'npm start --' : 'antiphon';

const ALL_COMMANDS = `  -help             print this; so does -h
  -version          print the version
A flag takes one dash or two; its value follows it or a "=".`;

/** The text of `-help` for each command. */
export const usage: Readonly<Record<Command, string>> = {
  serve: `usage: ${COMMAND} [serve] [flags]
  -config FILE      YAML configuration
  -port N           port of the ext_proc processor (gRPC)
  -http-port N      port of the same handler on plain HTTP
  -envoy-port N     port of the Envoy that is started in front
  -admin-port N     port of /livez, /readyz, /metrics and /config, which stays open until everything has ended
  -log-level LEVEL  ${levelNames.join(', ')}
  -log-format NAME  pretty or json; pretty on a terminal, in colours unless NO_COLOR is set, json elsewhere
  -no-envoy         start no Envoy
${ALL_COMMANDS}
Other commands: check, migrate, vacuum, keys, tenants, usage, secrets, audit. Each has its own -help.`,
  check: `usage: ${COMMAND} check [flags]
Tells every mistake in a configuration, with its line and column, and then tries each model with real calls: its server's
list, an answer, a stream, a call of a function, JSON of a schema. A call has 10 s. A database that is a server is connected to, and it
says how. Nothing is started or stored.
  -config FILE      YAML configuration. Default: what a start without one would use
${ALL_COMMANDS}
It exits with 0 if all is well, 1 for a mistake in the configuration, 2 if something did not work with a model or
the database.`,
  migrate: `usage: ${COMMAND} migrate [flags]
Brings the schema of the database to the newest, which a start does by itself where its role may. Several may do it at once: one
does, and the others wait.
  -config FILE      YAML configuration, which names the database
  -check            change nothing, and print the statements that would be run
${ALL_COMMANDS}
With -check it exits with 0 if there is nothing to do, 2 if there is, 1 if that cannot be told.`,
  vacuum: `usage: ${COMMAND} vacuum [flags]
Writes the database anew, without what is free in it; from then on freed pages go back to the disk by themselves.
Nobody may use it meanwhile, and it takes its own size once more on the disk.
  -config FILE      YAML configuration, which names the database
${ALL_COMMANDS}`,
  audit: `usage: ${COMMAND} audit verify FILE...
Follows the chain of an audit log, and tells each place where a line was changed, removed or inserted. Of a log that was rotated
all files are given, the oldest first.
${ALL_COMMANDS}
It exits with 0 if the chain is whole, else with 1.`,
  keys: `usage: ${COMMAND} keys create [flags]      makes an API key, and prints it: it is shown once
       ${COMMAND} keys list [flags]        what the keys of the database may do, and how they stand
       ${COMMAND} keys revoke ID [flags]   the key stops at every process within 5 s
       ${COMMAND} keys rotate ID [flags]   makes a key with the same rights, and the old one ends a while later
  -config FILE      YAML configuration, which names the database
  -tenant NAME      create: whose responses it sees. Default: default. list: keys of this tenant alone
  -user NAME        create: its user
  -project NAME     create: the project that its user works for
  -models LIST      create: the models that it may use, names or patterns with commas between. Default: all
  -scopes LIST      create: what it may do, of read, write, background, admin. Default: all
  -turns N          create: turns that it may have at a time in one process, in place of limits.perCaller
  -background-turns N, -sockets N   create: the same for background turns and WebSockets
  -requests-per-minute N, -tokens-per-minute N   create: what it may use in all processes together
  -budgets LIST     create: what it may cost: llm_cost=500000000/30d, and others behind commas
  -expires WHEN     create, rotate: a date, a time (2027-01-31T12:00:00Z), or an age (90d)
  -overlap TIME     rotate: how long the old key is accepted beside the new one. Default: 24h
  -print            create: stores nothing, and prints the entry of the configuration
  -sql              create, revoke, rotate: does nothing, and prints the command that does it in the D1 of a Worker
${ALL_COMMANDS}`,
  tenants: `usage: ${COMMAND} tenants list [flags]            what each tenant has: rows, and bytes of their texts
       ${COMMAND} tenants export TENANT [flags]   all that one has and its users see, in lines of JSON
       ${COMMAND} tenants delete TENANT [flags]   removes all that one has, for good: its keys, its users' things, all of it
       ${COMMAND} tenants shred TENANT [flags]    drops the key under which what one has is encrypted: nobody can read it any more
       ${COMMAND} tenants rotate TENANT [flags]   makes another key, under which what one stores from now on is encrypted
Servers may run meanwhile. What was deleted over the API, or has expired, is counted until the sweep has removed it, and
not exported. Before a delete, keep the tenant's callers out; turns of it that clients wait for are waited for, others cancelled.
  -config FILE      YAML configuration, which names the database
  -output FILE      export: a new file. Default: stdout
  -yes              delete, shred: asks nobody. Else the name of the tenant has to be typed
${ALL_COMMANDS}`,
  secrets: `usage: ${COMMAND} secrets rotate [flags]
Wraps the keys of all tenants (\`encryptAtRest\`) anew by the first of \`secrets\`. Servers may run meanwhile; they have to have that secret
first by then. The others may go then, unless clients have something that they sealed. With \`encryptAtRest\` it encrypts what was stored before that, too.
  -config FILE      YAML configuration, which names the database and has the secrets, old and new
${ALL_COMMANDS}`,
  usage: `usage: ${COMMAND} usage [flags]
What turns have used, with \`usage: true\` in the configuration, until now. Servers may run meanwhile.
  -config FILE      YAML configuration, which names the database
  -tenant NAME      of this tenant alone
  -by LIST          what is told apart, of tenant, day, user, project, key, model, kind, with commas between. Default: tenant
  -from DAY         the first day, in UTC: 2027-01-31. Default: 29 days before the last
  -to DAY           the last day, which counts too. Default: today
  -json             a line of JSON for each group
${ALL_COMMANDS}`,
};

/** Flags that only `serve` has, and those of every command. */
const ONLY_SERVE = ['port', 'http-port', 'envoy-port', 'admin-port', 'log-level', 'log-format', 'no-envoy'];
const OF_ALL = ['config', 'help', 'version'];

/** Parses the arguments after the script name; throws an Error that says what is wrong. */
export function readFlags(args: readonly string[]): Flags {
  const command = commands.find((known) => known === args[0]) ?? 'serve';
  const flags: Flags = { command, noEnvoy: false, help: false, version: false };
  const rest = args.slice(args[0] === command ? 1 : 0);
  const own = ['keys', 'tenants', 'usage', 'secrets', 'audit'] as const;
  if (own.some((known) => known === command)) {
    const [help, version] = [/^--?h(elp)?$/, /^--?version$/].map((flag) => rest.some((arg) => flag.test(arg)));
    return { ...flags, [command]: rest, help: help ?? false, version: version ?? false };
  }
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      const isCommand = commands.some((known) => known === arg);
      const hint = isCommand ? ': a command comes first' : didYouMean(arg, arg.startsWith('-') ? [] : commands);
      throw new Error(`unexpected argument "${arg}"${hint} (see -help)`);
    }
    const value = (): string => {
      const text = inline ?? (rest[0]?.startsWith('-') ? undefined : rest.shift());
      if (!text) throw new Error(`flag -${name} needs a value`);
      return text;
    };
    if (command !== 'serve' && ONLY_SERVE.includes(name))
      throw new Error(`flag -${name} is not for ${command} (see -help)`);
    if (name === 'check' && command !== 'migrate') throw new Error(`flag -check is not for ${command} (see -help)`);
    if (name === 'config') flags.config = value();
    else if (name === 'port') flags.port = portOf(name, value());
    else if (name === 'http-port') flags.httpPort = portOf(name, value());
    else if (name === 'envoy-port') flags.envoyPort = portOf(name, value());
    else if (name === 'admin-port') flags.adminPort = portOf(name, value());
    else if (name === 'log-level') flags.logLevel = levelOf(value());
    else if (name === 'log-format') flags.logFormat = formatOf(value());
    else if (name === 'check') flags.check = switchOf(name, inline);
    else if (name === 'no-envoy') flags.noEnvoy = switchOf(name, inline);
    else if (name === 'help' || name === 'h') flags.help = switchOf(name, inline);
    else if (name === 'version') flags.version = switchOf(name, inline);
    else throw new Error(`unknown flag -${name}${hintFor(name, command)} (see -help)`);
  }
  return flags;
}

function hintFor(name: string, command: Command): string {
  const own: Partial<Record<Command, string[]>> = { serve: ONLY_SERVE, migrate: ['check'] };
  return didYouMean(name, [...OF_ALL, ...(own[command] ?? [])]).replace('mean ', 'mean -');
}

function portOf(name: string, value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65535) throw new Error(`flag -${name}: "${value}" is not a port (0 to 65535)`);
  return port;
}

function levelOf(value: string): Level {
  const level = levelNames.find((known) => known === value);
  if (!level) {
    throw new Error(`flag -log-level: "${value}" is none of ${levelNames.join(', ')}${didYouMean(value, levelNames)}`);
  }
  return level;
}

function formatOf(value: string): LogFormat {
  const format = logFormats.find((known) => known === value);
  if (!format) throw new Error(`flag -log-format: "${value}" is none of ${logFormats.join(', ')}`);
  return format;
}

function switchOf(name: string, value: string | undefined): boolean {
  if (value !== undefined && value !== 'true') throw new Error(`flag -${name} takes no value`);
  return true;
}
