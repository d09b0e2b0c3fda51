import * as v from 'valibot';
import { InputItem } from '../items/input.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import type { MediaRules } from '../media.ts';
import { type HostedTool, hostedToolOf, hostedTools } from '../protocol/hosted-tools.ts';
import { isObject } from '../protocol/json.ts';
import { canSeal, type Secret } from '../seal.ts';
import { type Webhook, webhookEvents } from '../webhooks/webhook.ts';
import { httpUrl } from './http-url.ts';
import { host, listen, origin, proof, tls } from './listen.ts';
import { media } from './media.ts';
import { type ModelConfig, model } from './models.ts';
import { age, count, DAY, memory, pause, size, storage, time, unbounded } from './quantity.ts';

/** Checks that no two entries of a list have the same key. */
function unique<T>(keyOf: (entry: T) => string, key: string) {
  // Index once per list: comparing all pairs would be quadratic.
  const firsts = new WeakMap<readonly T[], ReadonlyMap<string, number>>();
  const isFirst = (entry: T, index: number, all: readonly T[]) => {
    const first = firsts.get(all) ?? new Map(all.map((other, at) => [keyOf(other), at] as const).reverse());
    firsts.set(all, first);
    return first.get(keyOf(entry)) === index;
  };
  return v.checkItems<T[], string>(isFirst, `has the ${key} of another`);
}

const prompt = v.strictObject({
  id: v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
  version: v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
  model: v.optional(v.string('must be a text')),
  instructions: v.optional(v.string('must be a text')),
  input: v.optional(v.array(InputItem, 'must be a list')),
});

/** A hosted tool to leave out of requests; a preview or a dated type is the same tool. */
const hostedTool = v.pipe(
  v.string('must be a text'),
  v.transform((name) => hostedToolOf(name) ?? name),
  v.picklist(hostedTools, `must be one of ${hostedTools.join(', ')}`),
);

/** What agents offer unasked: Codex both of them, whatever its model. */
const OFFERED_UNASKED: HostedTool[] = ['web_search', 'image_generation'];

const secret = v.strictObject({
  id: v.pipe(v.string('must be a text'), v.regex(/^[\w-]{1,32}$/, 'must be 1 to 32 letters, digits or dashes')),
  key: v.pipe(v.string('must be a text'), v.minLength(16, 'must be at least 16 characters')),
});

/** Older versions accepted shorter secrets, which still open what they sealed. */
const NO_SEALING_SECRET =
  'need one whose key has at least 32 bytes, as `openssl rand -base64 32` makes: put it first, and keep the others behind it';

/** A Standard Webhooks secret of at least 16 bytes, or any other text of that length. */
const WEBHOOK_SECRET =
  /^(whsec_(?=.{22})([A-Za-z\d+/]{4})*([A-Za-z\d+/]{2}(==)?|[A-Za-z\d+/]{3}=?)?|(?!whsec_).{16,})$/;

const webhook = v.strictObject({
  url: httpUrl,
  secret: v.pipe(
    v.string('must be a text'),
    v.regex(WEBHOOK_SECRET, 'must be whsec_ and base64, or at least 16 characters'),
  ),
  events: v.optional(
    v.array(v.picklist(webhookEvents, `must be one of ${webhookEvents.join(', ')}`), 'must be a list'),
  ),
});

const schema = v.strictObject({
  listen: v.optional(listen),
  tls: v.optional(tls, {}),
  auth: v.optional(v.literal('none', 'must be none')),
  proof: v.optional(proof),
  models: v.optional(v.pipe(v.array(model, 'must be a list'), v.nonEmpty('must name at least one model'))),
  database: v.optional(v.string('must be a text')),
  synchronous: v.optional(v.picklist(['normal', 'full'], 'must be normal or full'), 'normal'),
  retention: v.optional(age),
  logRetention: v.optional(age),
  conversationRetention: v.optional(
    v.union([unbounded('never'), age], 'must be never, or an age such as 90d'),
    'never',
  ),
  dropTools: v.optional(v.array(hostedTool, 'must be a list'), OFFERED_UNASKED),
  prompts: v.optional(
    v.pipe(
      v.array(prompt, 'must be a list'),
      unique(({ id, version }) => JSON.stringify([id, version]), 'id and version'),
    ),
    [],
  ),
  secrets: v.optional(
    v.pipe(
      v.array(secret, 'must be a list'),
      unique(({ id }) => id, 'id'),
      v.check((all) => all.length === 0 || all.some(canSeal), NO_SEALING_SECRET),
    ),
    [],
  ),
  webhooks: v.optional(
    v.pipe(
      v.array(webhook, 'must be a list'),
      unique(({ url }) => url, 'URL'),
    ),
    [],
  ),
  hosts: v.optional(v.array(host, 'must be a list'), []),
  media: v.optional(media, {}),
  cors: v.optional(v.strictObject({ origins: v.array(origin, 'must be a list') }), { origins: [] }),
  errors: v.optional(v.picklist(['auto', 'tiers', 'openai'], 'must be auto, tiers or openai'), 'auto'),
  errorDetail: v.optional(v.boolean('must be true or false'), false),
  limits: v.optional(
    v.strictObject({
      body: size,
      inflated: size,
      reply: size,
      history: size,
      items: count(1_000_000),
      tools: count(100_000),
      inFlight: memory,
      turns: count(1_000_000),
      perCaller: v.optional(
        v.strictObject({
          turns: count(1_000_000),
          backgroundTurns: count(1_000_000),
          connections: count(1_000_000),
          sockets: count(1_000_000),
        }),
      ),
      turn: time,
      unread: time,
      idle: time,
      head: pause,
      keepAlive: time,
      background: time,
      backgroundTurns: count(1_000),
      rounds: count(1_000),
      connection: time,
      connectionIdle: time,
      drain: time,
      linger: pause,
      lease: time,
      stored: storage,
      listing: time,
      counting: time,
    }),
    {},
  ),
});

/** The parsed configuration, the same on every runtime, with defaults filled in. */
export interface Config {
  /** Where each listener is: HOST:PORT, `unix:PATH` (Envoy's is none) or `off`. */
  listen: v.InferOutput<typeof listen>;
  /** Certificate files of listeners with TLS. */
  tls: v.InferOutput<typeof tls>;
  /** `none` accepts that nothing here authenticates callers; required for listeners beyond the loopback. */
  auth?: 'none' | undefined;
  /** The header that proves that a plain HTTP request comes from an Envoy, whose Host and Origin are then not checked. */
  proof?: v.InferOutput<typeof proof> | undefined;
  /** Undefined when the file names none: the root chooses then. */
  models: ModelConfig[] | undefined;
  /** The root checks it, since it knows which kinds there are. Undefined when the file names none: the root chooses then. */
  database: string | undefined;
  /** What a SQLite commit waits for: the operating system, or the disk. */
  synchronous: 'normal' | 'full';
  /** Retention of responses, in milliseconds. */
  retention: number;
  /** Retention of the events of a background response after its end, in milliseconds. */
  logRetention: number;
  /** Retention of conversations after the last write, in milliseconds; infinite for `never`. */
  conversationRetention: number;
  /** Hosted tools to leave out of requests, which would otherwise be refused. */
  dropTools: HostedTool[];
  /** Prompts for requests to refer to. */
  prompts: v.InferOutput<typeof prompt>[];
  /** Sealing secrets: the first of at least 32 bytes seals, all of them open. */
  secrets: Secret[];
  /** Host names accepted on loopback listeners, beside addresses and localhost. */
  hosts: string[];
  /** URLs of images and files that model servers may fetch. */
  media: MediaRules;
  /** Origins that may call the API from a browser (CORS). Default: none. */
  cors: { origins: string[] };
  /** Webhooks for the ends of background responses. */
  webhooks: Webhook[];
  errors: 'auto' | 'tiers' | 'openai';
  /** Whether clients hear what a model's server said when it failed or refused. */
  errorDetail: boolean;
  limits: Limits;
}

/**
 * Parses a configuration; throws an Error that names the wrong key by its path. `defaults` are the limits that depend on the
 * runtime.
 */
export function parseConfig(value: unknown, defaults: Partial<Limits> = {}): Config {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) throw new Error(explain(result.issues[0]));
  const { listen = {}, models, database, retention = 30 * DAY, logRetention = DAY, limits, ...rest } = result.output;
  const configured = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  const all: Limits = { ...defaultLimits, ...defaults, ...Object.fromEntries(configured) };
  if (all.linger > all.drain) throw new Error('configuration: limits.linger must be at most limits.drain');
  return {
    ...rest,
    listen,
    models,
    database,
    retention,
    logRetention,
    limits: all,
  };
}

function explain(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? '';
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return `configuration: ${path} is not a key that is known`;
  if (issue.received === 'undefined') return `configuration: ${path} is missing`;
  if (issue.type === 'strict_object') return `configuration: ${path || 'it'} must be a mapping of keys to values`;
  return `configuration: ${path} ${issue.message}`;
}

/** Replaces every `${NAME}` in values (not keys) from `env`; throws an Error that names the key and the unset variable. */
export function substitute(value: unknown, env: Readonly<Record<string, unknown>>, path = ''): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
      const text = env[name];
      if (typeof text === 'string') return text;
      throw new Error(`configuration: ${path}: the environment variable ${name} is not set`);
    });
  }
  if (Array.isArray(value)) return value.map((inner, index) => substitute(inner, env, `${path}[${index}]`));
  if (!isObject(value)) return value;
  const below = path === '' ? '' : `${path}.`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, substitute(inner, env, below + key)]));
}
