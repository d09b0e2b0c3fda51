import * as v from 'valibot';
import type { AttributeRule } from '../attributes.ts';
import type { Isolation } from '../caller.ts';
import type { CostRule } from '../costs.ts';
import { InputItem } from '../items/input.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import type { MediaRules } from '../media.ts';
import { nearest } from '../nearest.ts';
import { type HostedTool, hostedToolOf, hostedTools } from '../protocol/hosted-tools.ts';
import { isObject } from '../protocol/json.ts';
import type { LimiterSettings } from '../rate-limiter.ts';
import { canSeal, type Secret } from '../seal.ts';
import { type Webhook, webhookEvents } from '../webhooks/webhook.ts';
import { attributes } from './attributes.ts';
import { type AuthEntry, auth, name } from './auth.ts';
import { budgetProblems } from './budget-problems.ts';
import { costs } from './costs.ts';
import { type DatabaseUrls, database } from './database.ts';
import { egress } from './egress.ts';
import { fallbackProblems } from './fallback-problems.ts';
import { findProblems, type Read } from './find-problems.ts';
import { type HostedConfig, hosted, hostedProblems } from './hosted.ts';
import { httpUrl } from './http-url.ts';
import { limits } from './limits.ts';
import { host, listen, origin, processes, proof, tls } from './listen.ts';
import { type Connector, mcp } from './mcp.ts';
import { media } from './media.ts';
import { builtIn, type ModelConfig, model, unknownBackend } from './models.ts';
import { ConfigError, type ConfigProblem } from './problems.ts';
import { age, DAY, unbounded } from './quantity.ts';
import { rateLimiter } from './rate-limiter.ts';
import { type SecretFiles, secretText, withSecrets } from './secrets.ts';
import { fillIn } from './substitute.ts';
import { telemetry } from './telemetry.ts';
import { type TenantEntry, tenants } from './tenants.ts';
import { type HttpFunction, tools } from './tools.ts';
import { unique } from './unique.ts';

const prompt = v.strictObject({
  id: v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
  version: v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
  tenant: v.optional(name),
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
  key: v.pipe(secretText, v.minLength(16, 'must be at least 16 characters')),
});

/** Older versions accepted shorter secrets, which still open what they sealed. */
const NO_SEALING_SECRET =
  'need one whose key has at least 32 bytes, as `openssl rand -base64 32` makes: put it first, and keep the others behind it';

/** A Standard Webhooks secret of at least 16 bytes, or any other text of that length. */
const WEBHOOK_SECRET =
  /^(whsec_(?=.{22})([A-Za-z\d+/]{4})*([A-Za-z\d+/]{2}(==)?|[A-Za-z\d+/]{3}=?)?|(?!whsec_).{16,})$/;

const webhook = v.strictObject({
  url: httpUrl,
  tenant: v.optional(name),
  secret: v.pipe(secretText, v.regex(WEBHOOK_SECRET, 'must be whsec_ and base64, or at least 16 characters')),
  events: v.optional(
    v.array(v.picklist(webhookEvents, `must be one of ${webhookEvents.join(', ')}`), 'must be a list'),
  ),
});

const settings = v.strictObject({
  listen: v.optional(listen),
  processes,
  tls: v.optional(tls, {}),
  auth: v.optional(auth),
  audit: v.optional(
    v.pipe(v.string('must be a text'), v.regex(/^(off|otlp|file:.+)$/, 'must be file:PATH, otlp, or off')),
    'off',
  ),
  isolation: v.optional(v.picklist(['tenant', 'user'], 'must be tenant or user'), 'tenant'),
  proof: v.optional(proof),
  tenants,
  models: v.optional(v.pipe(v.array(model, 'must be a list'), v.nonEmpty('must name at least one model'))),
  database: v.optional(database),
  synchronous: v.optional(v.picklist(['normal', 'full'], 'must be normal or full'), 'normal'),
  retention: v.optional(age),
  logRetention: v.optional(age),
  conversationRetention: v.optional(
    v.union([unbounded('never'), age], 'must be never, or an age such as 90d'),
    'never',
  ),
  costs,
  usage: v.optional(v.boolean('must be true or false'), false),
  rateLimiter,
  dropTools: v.optional(v.array(hostedTool, 'must be a list'), OFFERED_UNASKED),
  hosted,
  prompts: v.optional(
    v.pipe(
      v.array(prompt, 'must be a list'),
      unique(({ tenant, id, version }) => JSON.stringify([tenant, id, version]), 'id and version'),
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
  encryptAtRest: v.optional(v.boolean('must be true or false'), false),
  webhooks: v.optional(
    v.pipe(
      v.array(webhook, 'must be a list'),
      unique(({ url }) => url, 'URL'),
    ),
    [],
  ),
  attributes: v.optional(attributes, []),
  telemetry: v.optional(telemetry, {}),
  hosts: v.optional(v.array(host, 'must be a list'), []),
  media: v.optional(media, {}),
  mcp,
  egress: v.optional(egress, {}),
  tools: v.optional(tools, []),
  cors: v.optional(v.strictObject({ origins: v.array(origin, 'must be a list') }), { origins: [] }),
  docs: v.optional(v.boolean('must be true or false'), true),
  errors: v.optional(v.picklist(['auto', 'tiers', 'openai'], 'must be auto, tiers or openai'), 'auto'),
  errorDetail: v.optional(v.boolean('must be true or false'), false),
  limits: v.optional(limits, {}),
});

const schema = v.pipe(
  settings,
  v.forward(
    v.partialCheck(
      [['encryptAtRest'], ['secrets']],
      ({ encryptAtRest, secrets }) => !encryptAtRest || secrets.some(canSeal),
      'needs one of `secrets` that has at least 32 bytes, as `openssl rand -base64 32` makes: it wraps the keys of tenants',
    ),
    ['encryptAtRest'],
  ),
);

/** The parsed configuration, the same on every runtime, with defaults filled in. */
export interface Config {
  /** Where each listener is: HOST:PORT, `unix:PATH` (Envoy's is none) or `off`. */
  listen: v.InferOutput<typeof listen>;
  /** How many processes share the work on one machine; the root that listens starts them. */
  processes: number;
  /** Certificate files of listeners with TLS. */
  tls: v.InferOutput<typeof tls>;
  /** Who may call. `none` accepts that nothing here authenticates callers; this or a list is required beyond the loopback. */
  auth?: 'none' | AuthEntry[] | undefined;
  /** Where the audit log is: `file:PATH`, `otlp`, or `off`. */
  audit: string;
  /** Whether a tenant's users see what others of it have. */
  isolation: Isolation;
  /** What tenants may have, by their names; `*` is each that has no name here. */
  tenants: Readonly<Record<string, TenantEntry>>;
  /** The header that proves that a plain HTTP request comes from an Envoy, whose Host and Origin are then not checked. */
  proof?: v.InferOutput<typeof proof> | undefined;
  /** Undefined when the file names none: the root chooses then. */
  models: ModelConfig[] | undefined;
  /** The root checks it, since it knows which kinds there are. Undefined when the file names none: the root chooses then. */
  database: DatabaseUrls | undefined;
  /** What a SQLite commit waits for: the operating system, or the disk. */
  synchronous: 'normal' | 'full';
  /** Retention of responses, in milliseconds. */
  retention: number;
  /** Retention of the events of a background response after its end, in milliseconds. */
  logRetention: number;
  /** Retention of conversations after the last write, in milliseconds; infinite for `never`. */
  conversationRetention: number;
  /** The costs of turns, as CEL expressions: of each name the first entry that matches the model. */
  costs: CostRule[];
  /** Whether a charge of each turn is kept, and added up for `GET /v1/usage`. */
  usage: boolean;
  /** Envoy's rate limit service, which is told of turns over WebSockets and in the background. */
  rateLimiter?: LimiterSettings | undefined;
  /** MCP servers that clients use by their labels. */
  mcp: Connector[];
  /** Hosted tools to leave out of requests, which would otherwise be refused. */
  dropTools: HostedTool[];
  /** Functions that this server runs, each in the one way that it has. */
  tools: { http: HttpFunction }[];
  /** What runs hosted tools here: these are left out of no request. */
  hosted: HostedConfig;
  /** Prompts for requests to refer to. */
  prompts: v.InferOutput<typeof prompt>[];
  /** Sealing secrets: the first of at least 32 bytes seals, all of them open. */
  secrets: Secret[];
  /** Whether what clients send and get is encrypted where it is stored, under keys that the first of `secrets` wraps. */
  encryptAtRest: boolean;
  /** Headers of requests that are attributes of them, in the log, spans, metrics and Envoy's metadata. */
  attributes: AttributeRule[];
  /** What traces have beside the rule. */
  telemetry: v.InferOutput<typeof telemetry>;
  /** Host names accepted on loopback listeners, beside addresses and localhost. */
  hosts: string[];
  /** URLs of images and files that model servers may fetch. */
  media: MediaRules;
  /** Private targets that URLs of requests, tools and pages may lead to, beside those of the configuration. */
  egress: v.InferOutput<typeof egress>;
  /** Origins that may call the API from a browser (CORS). Default: none. */
  cors: { origins: string[] };
  /** Webhooks for the ends of background responses. */
  webhooks: Webhook[];
  /** Whether the API's document and the page of it are served. */
  docs: boolean;
  errors: 'auto' | 'tiers' | 'openai';
  /** Whether clients hear what a model's server said when it failed or refused. */
  errorDetail: boolean;
  limits: Limits;
}

/**
 * Parses a configuration; throws a ConfigError with every mistake in it. `defaults` are the limits that depend on the runtime.
 */
export function parseConfig(value: unknown, defaults: Partial<Limits> = {}): Config {
  const { output, problems } = parse(value, defaults);
  if (problems) throw new ConfigError(problems);
  return output;
}

/** What a configuration as it is written depends on. */
export interface ConfigContext {
  /** Source of `${NAME}` in values. */
  env: Readonly<Record<string, unknown>>;
  /** Limits that depend on the runtime. */
  defaults?: Partial<Limits>;
  /** Names of the backends that a root adds. Default: none. */
  backends?: readonly string[];
  /** The secrets that it has in files, read. Default: none, so that each is a mistake. */
  secrets?: SecretFiles;
}

/** Parses a configuration as it is written, with its `${NAME}`; throws a ConfigError with every mistake in it. */
export function readConfig(written: unknown, context: ConfigContext): Config {
  const { env, defaults = {}, backends = [], secrets } = context;
  const wrong = [...(secrets?.problems ?? [])];
  const substituted = fillIn(written, env, [], wrong);
  const filled = secrets ? withSecrets(substituted, secrets.texts) : substituted;
  const { output, problems = [] } = parse(withKnownBackends(filled, [...builtIn, ...backends], wrong), defaults);
  // What is said of a value with something wrong in it follows from that.
  const told = new Set(wrong.flatMap(({ path }) => [path.join('\0'), path.slice(0, -1).join('\0')]));
  const all = [...wrong, ...problems.filter(({ path }) => !told.has(path.join('\0')))];
  if (output && all.length === 0) return output;
  throw new ConfigError(all);
}

function parse(value: unknown, defaults: Partial<Limits>): Read<Config> {
  const { output, problems } = findProblems(schema, value);
  if (problems) return { problems };
  const { listen = {}, models, database, retention = 30 * DAY, logRetention = DAY, limits, ...rest } = output;
  const configured = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  const all: Limits = { ...defaultLimits, ...defaults, ...Object.fromEntries(configured) };
  const config = { ...rest, listen, models, database, retention, logRetention, limits: all };
  const unknown = [
    ...budgetProblems(config),
    ...fallbackProblems(models),
    ...hostedProblems(
      rest.hosted,
      rest.mcp.map(({ label }) => label),
    ),
  ];
  return unknown.length > 0 ? { problems: unknown } : { output: config };
}

/** The same configuration with the nearest backend that there is in place of one that there is not, which is added to `wrong`. */
function withKnownBackends(config: unknown, known: readonly string[], wrong: ConfigProblem[]): unknown {
  if (!isObject(config) || !Array.isArray(config.models)) return config;
  const models = config.models.map((model: unknown, index) => {
    if (!isObject(model) || typeof model.backend !== 'string' || known.includes(model.backend)) return model;
    wrong.push(unknownBackend(index, model.backend, known));
    return { ...model, backend: nearest(model.backend, known) ?? model.backend };
  });
  return { ...config, models };
}
