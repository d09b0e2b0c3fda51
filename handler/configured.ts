import type { SharedPlaces, TurnLimits } from './allowances/port.ts';
import { attributeReader } from './attributes.ts';
import { withMediaRules } from './backend/media.ts';
import { ANY_TENANT, DEFAULT_TENANT, type Identify, identifyByAddress, limitsUse } from './caller.ts';
import { SECRET_HEADER } from './config/attributes.ts';
import { searchIn } from './config/hosted.ts';
import type { Config } from './config/index.ts';
import { type Connector, credentialsIn } from './config/mcp.ts';
import { type ModelConfig, serversOf } from './config/models.ts';
import { ConfigError, misconfigured } from './config/problems.ts';
import type { SendConfig } from './config/send.ts';
import type { Egress } from './egress/egress.ts';
import { openEgress } from './egress/open.ts';
import { openIdentify } from './identity/open-identify.ts';
import { mediaFinder } from './media.ts';
import { openCosts } from './open-costs.ts';
import { type AddedBackends, type OpenedBackends, openModels } from './open-models.ts';
import type { Shared } from './process.ts';
import { isObject } from './protocol/json.ts';
import { limiterTokens } from './rate-limiter.ts';
import { keepSecret } from './redact.ts';
import { referencesIn, requestValuesReader } from './request-values.ts';
import { modelsOf } from './routing/models.ts';
import { sealWith } from './seal.ts';
import type { ConfiguredServices } from './service/services.ts';
import type { StoredLimit } from './state/stored-bytes.ts';
import type { ConfiguredFunction } from './tools/functions/configured-function.ts';
import { httpFunction } from './tools/functions/http-function.ts';
import type { ToolServices } from './tools/open-tools.ts';
import type { Tool } from './tools/tool.ts';

/** What is made of one configuration, and its backends, which the next one may go on with. */
export interface Configured {
  services: ConfiguredServices;
  backends: OpenedBackends;
}

/**
 * Makes all that is made of a configuration, and changes nothing of the process. Backends whose pattern, server and key are
 * those of `earlier` are the same, with what they have learned. Throws an Error that names the key of a model that will not open, or of
 * a cost that will not compile.
 */
export function configure(shared: Shared, config: Config, added?: AddedBackends, earlier?: OpenedBackends): Configured {
  const { storage, transport, secret, secrets, compileCel } = shared;
  secrets.keep(secretsOf(config)); // an error about it may quote one
  const findMedia = mediaFinder(config.media);
  const { routes, backends } = openModels(config, transport, added, earlier);
  const { isolation } = config;
  const storedLimit = storedLimitOf(config);
  checkHits(config);
  checkAdded(config, shared);
  const seal = sealWith(config.secrets, secret);
  const egress = openEgress(shared.egress, config.egress.allow);
  const { limits, docs, errors, hosts, prompts, attributes, retention, logRetention, webhooks } = config;
  return {
    backends,
    services: {
      models: modelsOf(
        routes.map((route) => ({
          ...route,
          servers: route.servers.map((server) => ({ ...server, backend: withMediaRules(server.backend, findMedia) })),
        })),
      ),
      tools: {
        registered: toolsOf(config, shared, seal, egress),
        functions: [...shared.functions, ...httpFunctionsOf(config, egress)],
        dropped: new Set(config.dropTools),
      },
      identify: identifyBy(config, shared),
      needsCredential: Array.isArray(config.auth),
      isolation,
      limits,
      docs,
      errors,
      hosts,
      origins: config.cors.origins,
      prompts,
      attributes: attributeReader(attributes),
      requestValues: requestValuesReader(config.models?.flatMap(referencesOf) ?? []),
      findMedia,
      costs: openCosts(config.costs, compileCel),
      tenants: config.tenants,
      turnLimits: turnLimitsBy(config, shared),
      places: placesBy(config, shared),
      seal,
      storage: {
        ...storage,
        retention,
        logRetention,
        history: limits.history,
        stored: limits.stored,
        charges: config.usage || storedLimit !== undefined || config.rateLimiter !== undefined,
        storedBytes: storedLimit && shared.ledger?.open().storedBytes(storedLimit),
        webhooks,
      },
    },
  };
}

/** What the rules of an entry send on of requests; an added backend's own are in the same place. */
function referencesOf(model: ModelConfig): string[] {
  const all = 'keys' in model ? [model.keys.send] : serversOf(model).map(({ send }) => send);
  return all.flatMap((send) => (isObject(send) ? referencesIn([send.set, send.headers]) : []));
}

/** The tools that this server runs, by their types: the program's own, and those of the configuration. */
function toolsOf(
  config: Config,
  { tools, openTools }: Shared,
  seal: ToolServices['seal'],
  egress: Egress,
): Map<string, Tool> {
  const opened = openTools.flatMap((open) => open(config, { egress, seal }));
  const registered = new Map([...opened, ...tools].map((tool) => [tool.type, tool]));
  if (config.mcp.length > 0 && !registered.has('mcp'))
    throw misconfigured('mcp', 'needs openMcp, from antiphon/mcp, among `openTools` of the root');
  for (const [name, entry] of Object.entries(config.hosted)) {
    if (!entry || registered.has(name)) continue;
    const opener = 'mcp' in entry ? 'openMcp, from antiphon/mcp' : 'openWebSearch, from antiphon/web-search';
    throw misconfigured(`hosted.${name}`, `needs ${opener}, among \`openTools\` of the root`);
  }
  return registered;
}

/** The functions of the configuration. */
function httpFunctionsOf({ tools, limits }: Config, egress: Egress): ConfiguredFunction[] {
  return tools.map(({ http }) => httpFunction(http, egress, { timeout: limits.tool, maxBytes: limits.toolResult }));
}

/** Throws a ConfigError where the rate limit service would be told of a cost that there is not. */
function checkHits({ rateLimiter, costs }: Config): void {
  const { hits = 'total_tokens' } = rateLimiter ?? {};
  if (Object.hasOwn(limiterTokens, hits) || costs.some(({ name }) => name === hits)) return;
  const says = `is no name in \`costs\`, and none of ${Object.keys(limiterTokens).join(', ')}`;
  throw new ConfigError([{ path: ['rateLimiter', 'hits'], says }]);
}

/** The most that each tenant may have stored; undefined where none has a limit. */
function storedLimitOf({ tenants }: Config): StoredLimit | undefined {
  const limited = Object.values(tenants).some(({ limits }) => limits?.storedBytes !== undefined);
  if (!limited) return undefined;
  return (tenant) => {
    const { limits } = (Object.hasOwn(tenants, tenant) ? tenants[tenant] : tenants[ANY_TENANT]) ?? {};
    return limits?.storedBytes === Number.POSITIVE_INFINITY ? undefined : limits?.storedBytes;
  };
}

/** Throws a ConfigError where what a program adds contradicts the configuration. */
export function checkAdded(
  { auth, tools }: Pick<Config, 'auth' | 'tools'>,
  { identify, functions = [] }: { identify?: Identify | undefined; functions?: readonly ConfiguredFunction[] },
): void {
  if (identify && Array.isArray(auth))
    throw misconfigured('auth', 'is a list, and the program identifies callers itself: leave one of the two');
  const own = new Set(functions.map(({ definition }) => definition.name));
  const index = tools.findIndex(({ http }) => own.has(http.name));
  if (index >= 0) throw misconfigured(`tools.${index}.http.name`, 'is the name of a function of the program');
}

/** How callers are identified: as the program does it, or as `auth` says. Throws a ConfigError for what needs callers that nobody knows. */
function identifyBy({ auth, isolation, tenants }: Config, { identify: own, identity }: Shared): Identify {
  const listed = Array.isArray(auth) ? auth : undefined;
  if (own) return own;
  if (listed) return openIdentify(listed, identity);
  if (isolation === 'user') throw misconfigured('isolation', 'is user, which needs a list as `auth` to know users by');
  const nobody = Object.keys(tenants).find((name) => name !== ANY_TENANT && name !== DEFAULT_TENANT);
  if (nobody !== undefined)
    throw new ConfigError([
      {
        path: ['tenants', nobody],
        says: `is nobody: without a list as \`auth\` every caller is of the tenant ${DEFAULT_TENANT}`,
      },
    ]);
  const users = Object.entries(tenants).find(([, { perUser }]) => perUser)?.[0];
  if (users !== undefined)
    throw new ConfigError([{ path: ['tenants', users, 'perUser'], says: 'needs a list as `auth` to know users by' }]);
  return identifyByAddress;
}

/** What turns may use; undefined where nothing can limit them. Throws a ConfigError for limits without what counts them. */
function turnLimitsBy(config: Config, { ledger, identify }: Shared): TurnLimits | undefined {
  const { tenants, models = [] } = config;
  const limited = [
    ...Object.entries(tenants).flatMap(([name, tenant]) =>
      limitsUse(tenant) || limitsUse(tenant.perUser) || tenant.limits?.storedBytes !== undefined
        ? [['tenants', name]]
        : [],
    ),
    ...models.flatMap((model, index) => (limitsUse(model) ? [['models', String(index)]] : [])),
  ];
  const says = 'has limits that need the option openLimits of the root, from antiphon/limits';
  if (!ledger && limited[0]) throw new ConfigError([{ path: limited[0], says }]);
  return limited[0] || mayBeLimited(config, identify) ? ledger?.open().limitsBy(config) : undefined;
}

/** What tenants and callers have at a time; undefined where nothing limits that, or counts it: then each process does for itself. */
function placesBy(config: Config, { ledger, identify }: Shared): SharedPlaces | undefined {
  const isLimited = Object.values(config.tenants).some(({ limits, perUser }) =>
    [limits, perUser?.limits].some((own) => own?.turns ?? own?.backgroundTurns ?? own?.sockets),
  );
  return isLimited || mayBeLimited(config, identify) ? ledger?.open().places : undefined;
}

/** A key, or whom a program identifies, may have limits that no configuration knows. */
function mayBeLimited({ auth }: Config, identify: Identify | undefined): boolean {
  return identify !== undefined || (Array.isArray(auth) && auth.some(({ keys }) => keys));
}

/** Keeps the keys and secrets of a configuration out of the log and of all that is redacted, for as long as the process lasts. */
export function keepSecrets(config: Config): void {
  for (const secret of secretsOf(config)) if (secret !== undefined) keepSecret(secret);
}

function secretsOf({ models = [], mcp, webhooks, secrets, proof, tools, hosted }: Config): (string | undefined)[] {
  return [
    ...models.flatMap((model) => ('keys' in model ? textOf(model.keys.key) : serversOf(model).map(({ key }) => key))),
    ...models.flatMap((model) =>
      'keys' in model
        ? []
        : serversOf(model).flatMap(({ send, proxy }) => [...secretHeadersOf(send?.headers), ...secretsIn(proxy)]),
    ),
    ...webhooks.flatMap(({ url, secret }) => [url, secret]),
    ...mcp.flatMap(connectorSecrets),
    ...secrets.map(({ key }) => key),
    proof?.value,
    ...tools.flatMap(({ http }) => secretHeadersOf({ set: http.headers }).flatMap(withCredential)),
    searchIn(hosted)?.key,
  ];
}

/** A proxy's password, as it is written and as it is sent; what is sent of both is hidden as credentials always are. */
function secretsIn(proxy: string | undefined): string[] {
  const { password = '' } = proxy === undefined ? {} : new URL(proxy);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}

/** A header's text, and the credential in it behind the name of its scheme. */
function withCredential(text: string): string[] {
  return [text, text.replace(/^\w+ +/, '')];
}

/** The values of headers that are set or added and are secrets by their names. */
function secretHeadersOf({ set = {}, add = {} }: SendConfig['headers'] = {}): string[] {
  const all = [...Object.entries(set), ...Object.entries(add)];
  return all.flatMap(([name, text]) => (SECRET_HEADER.test(name) && referencesIn(text).length === 0 ? [text] : []));
}

/** The credentials that a server of `mcp` is sent, or started with. */
function connectorSecrets(connector: Connector): string[] {
  if ('command' in connector) return credentialsIn(Object.entries(connector.env));
  const { headers, credentials } = connector;
  return [headers, ...credentials.map((own) => own.headers)].flatMap((all) => credentialsIn(Object.entries(all)));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
