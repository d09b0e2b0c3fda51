import {
  type BuiltInModel,
  deploymentAt,
  type ModelConfig,
  openModels,
  serversOf,
  type Transport,
} from '../../handler/index.ts';
import { type Diagnosis, diagnose, howOtherAnswers, isCallUrl, isList, type Target, withoutCall } from './diagnosis.ts';
import { inWords, nameThere, wrongMatch } from './names.ts';
import { plain } from './plain.ts';
import { type Exchange, recordTransport } from './record-transport.ts';

/** How long a server may take to list its models, and how long other URLs are tried, in milliseconds. */
const [LIST_MS, OTHER_MS] = [5_000, 2_000];

/** What a server lists, or what came in place of a list. */
interface ListReply {
  names?: readonly string[];
  exchange: Exchange | undefined;
  error?: unknown;
}

/** What is known of one server of an entry of `models`, once it was asked for its list. */
export interface BackendReport {
  /** The entry, with one of its servers if it has several. */
  model: ModelConfig;
  /** Its place in `models`. */
  index: number;
  /** What came, in some words. */
  came: string;
  /** The models that it lists; undefined where no list came. */
  names?: readonly string[];
  /** Whether its server answers to any name. */
  anyName: boolean;
  /** Whether there was no answer at all, so that calls would get none either. */
  isDead: boolean;
  /** What is wrong, and what to do about it. */
  warning?: string;
}

/** How servers are named in the configuration: by their place, such as `models.0`, or by variables of the environment. */
export interface Places {
  urlAt(place: string): string;
  keyAt(place: string): string;
}

/** Where a configuration has its URLs and keys. */
export const IN_CONFIG: Places = { urlAt: (place) => `${place}.url`, keyAt: (place) => `${place}.key` };

/** Where the environment has them. */
export const IN_ENVIRONMENT: Places = { urlAt: () => 'OPENAI_BASE_URL', keyAt: () => 'OPENAI_API_KEY' };

/**
 * Asks each server for its models, all at once and each URL and key once, for at most seven seconds. It never rejects: whatever
 * happens is in the reports, which are in the order of the entries and of their servers.
 */
export async function askBackends(
  models: readonly ModelConfig[],
  transport: Transport,
  places: Places = IN_CONFIG,
): Promise<BackendReport[]> {
  const asked = new Map<string, Promise<ListReply>>();
  const once = (model: BuiltInModel) => {
    const key = JSON.stringify([
      model.backend,
      model.url,
      model.key,
      model.server,
      model.ca,
      model.proxy,
      model.send?.headers,
    ]);
    const known = asked.get(key) ?? askList(model, transport, LIST_MS);
    asked.set(key, known);
    return known;
  };
  const others = new Map<ListReply, Promise<string>>();
  return Promise.all(
    models.flatMap(withEachServer).map(async ({ model, index, place }): Promise<BackendReport> => {
      const report = { model, index, anyName: false, isDead: false };
      if ('keys' in model) return { ...report, came: 'not asked: a backend of this program' };
      if (model.url === undefined) return { ...report, came: 'built in', anyName: true };
      const urlAt = places.urlAt(place);
      const target = {
        url: model.url,
        hasKey: Boolean(model.key),
        hasCa: model.ca !== undefined,
        urlAt,
        keyAt: places.keyAt(place),
        at: place,
      };
      const deployment = deploymentAt(model.url);
      if (deployment)
        return { ...report, names: [deployment], came: `one deployment: ${plain(deployment, 60)}`, anyName: true };
      const called = isCallUrl(model.url) ? withoutCall(model.url) : model.url;
      if (deploymentAt(called)) {
        const warning = `is the address of one call, not of the API: did you mean ${called} in ${urlAt}?`;
        return { ...report, came: 'not asked', warning };
      }
      const result = await once(model);
      const { names, exchange, error } = result;
      if (names) {
        const anyName = /^llama\.cpp/.test(exchange?.header?.('server') ?? '');
        const wrong = anyName ? undefined : wrongMatch(nameThere(model) ?? model.match, names);
        return { ...report, names, came: inWords(names), anyName, ...(wrong && { warning: wrong }) };
      }
      const diagnosis = diagnose(target, exchange, error);
      const cure = others.get(result) ?? cureFor(model, target, diagnosis, transport);
      others.set(result, cure);
      const isDead = exchange?.status === undefined;
      return { ...report, isDead, came: diagnosis.came, warning: `${diagnosis.came}; ${await cure}` };
    }),
  );
}

/** An entry, once for each of its servers as if it had no other. */
function withEachServer(model: ModelConfig, index: number): { model: ModelConfig; index: number; place: string }[] {
  if ('keys' in model || !model.to) return [{ model, index, place: `models.${index}` }];
  const { to: _, fallback: __, ...entry } = model;
  return serversOf(model).map(({ name: alias, ...server }, at) => ({
    model: { ...entry, ...server, as: alias },
    index,
    place: `models.${index}.to.${at}`,
  }));
}

/** What a warning is about: the URL, or an entry without one. */
export function subjectOf(report: BackendReport): string {
  return urlOf(report) || report.model.match;
}

/** The URL of an entry; empty where it has none. */
export function urlOf({ model }: BackendReport): string {
  return 'keys' in model ? '' : (model.url ?? '');
}

/** Asks a server for its list of models through the backend that turns use. It never rejects. */
async function askList(model: BuiltInModel, transport: Transport, timeout: number): Promise<ListReply> {
  const wire = recordTransport(transport);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('too late', 'TimeoutError')), timeout);
  try {
    const [route] = openModels({ models: [model], errorDetail: false }, wire.transport).routes;
    const listed = (await route?.servers[0]?.backend.models(controller.signal)) ?? [];
    const names = listed.map((model) => (typeof model === 'string' ? model : model.id));
    const exchange = wire.exchanges.at(-1);
    return names.length > 0 || (exchange && isList(exchange)) ? { names, exchange } : { exchange };
  } catch (error) {
    return { exchange: wire.exchanges.at(-1), error };
  } finally {
    clearTimeout(timer);
  }
}

/** What to do: write another URL, if one is found that answers. */
async function cureFor(model: BuiltInModel, target: Target, diagnosis: Diagnosis, transport: Transport) {
  const tried = await Promise.all(
    diagnosis.others.map(async (url) => {
      // A key does not go out in the clear because of our guess.
      const bare = url.startsWith('http:') && target.url.startsWith('https:');
      const { names, exchange } = await askList(
        { ...model, url, ...(bare && { key: undefined }) },
        transport,
        OTHER_MS,
      );
      return { url, lists: names !== undefined, how: names ? 'answers' : howOtherAnswers(exchange) };
    }),
  );
  const found = tried.find(({ lists }) => lists) ?? tried.find(({ how }) => how);
  const pasted = isCallUrl(target.url) ? 'this is the address of one call, not of the API; ' : '';
  if (found) return `${pasted}${found.url} ${found.how}: did you mean that in ${target.urlAt}?`;
  const correct = `correct ${target.urlAt}, which ends before the path of a call, as http://127.0.0.1:8000/v1 does`;
  return diagnosis.cure ?? `${pasted}${correct}`;
}
