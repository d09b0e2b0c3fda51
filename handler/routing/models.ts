import type { ForwardedRequest, Prepare, PreparedForward } from '../backend/backend.ts';
import { ApiError, wordOf } from '../errors.ts';
import { entryOf, type KnownModel, type ModelRoute, modelsOfEntry, type RoutedEntry } from './entry.ts';
import { type Calls, openCalls } from './open-calls.ts';
import { type ForwardCalls, openForward } from './open-forward.ts';
import { probe } from './probe.ts';
import type { ModelAddress } from './server.ts';

export type { KnownModel, ModelRoute } from './entry.ts';
export type { WatchedServer } from './open-calls.ts';
export type { ForwardingServer } from './open-forward.ts';
export { type KnownBackend, knowing, type ModelAddress } from './server.ts';

/** A model by its route. */
export interface RoutedModel {
  /** Prepares its calls for one turn: the first may be answered by another model, and each later one by the same. */
  open(calls: Calls): Prepare;
  /** Prepares a request that is passed on to one of its servers, or to another model. Throws an ApiError for what none of them has. */
  forward(calls: ForwardCalls, request: ForwardedRequest): PreparedForward;
  /** Where it is, before a server of several has been asked: the first of them. */
  address: ModelAddress;
  /** Context window in tokens, where the configuration says. */
  context: number | undefined;
  /** Whether responses name the model as its server does. */
  showsServed: boolean;
  /** The context, where its server tells or has named it; undefined where it does not within `timeout` milliseconds. */
  toldContext(timeout: number): Promise<number | undefined>;
  /** Takes in the context that its server has named. */
  learnContext(context: number): void;
}

/** Routes model names to backends. */
export interface Models {
  /** Finds the first matching entry; throws `model_not_found`. */
  find(model: string): RoutedModel;
  /**
   * Lists literal names, then what the backends behind patterns list, each cached for some seconds; a backend that does not
   * answer in time counts with its previous list.
   */
  list(timeout: number): Promise<string[]>;
  /** Probes the servers that are to be, and whose time it is; undefined where none are. */
  probe: (() => Promise<void>) | undefined;
  /** The same, with what is known of each. */
  catalog(timeout: number): Promise<KnownModel[]>;
  /**
   * Whether a request may name it, as far as can be told: an entry names it, or the backend behind a pattern lists it, or lists
   * nothing at all.
   */
  has(model: string, timeout: number): Promise<boolean>;
}

/** The error of a name that no entry of `models` matches, or whose server does not list it. */
export function unknownModel(model: string): ApiError {
  const name = wordOf(model);
  return new ApiError('model_not_found', `The model ${name ? `${name} ` : ''}is not one that this server offers.`, {
    param: 'model',
  });
}

/** Builds the router of a configuration, in its order. */
export function modelsOf(routes: readonly ModelRoute[]): Models {
  const entries = routes.map(entryOf);
  const probed = entries.map(({ group }) => group).filter(({ policy }) => policy.probe !== undefined);
  const find = (model: string) => {
    const entry = entries.find(({ matches }) => matches(model));
    if (entry) return entry;
    throw unknownModel(model);
  };
  const catalog = async (timeout: number) => {
    const all = await Promise.all(entries.map((entry) => modelsOfEntry(entry, timeout)));
    const first = new Map<string, KnownModel>();
    for (const model of all.flat()) if (!first.has(model.id)) first.set(model.id, model);
    return [...first.values()];
  };
  return {
    find: (model) => routedModel(find(model), model, find),
    async has(model, timeout) {
      const entry = entries.find(({ matches }) => matches(model));
      if (!entry?.match.includes('*') || entry.known.some(({ name }) => name !== undefined)) return entry !== undefined;
      const models = await modelsOfEntry(entry, timeout);
      return models.length === 0 || models.some(({ id }) => id === model);
    },
    list: async (timeout) => (await catalog(timeout)).map(({ id }) => id),
    catalog,
    probe: probed.length > 0 ? async () => void (await Promise.all(probed.map(probe))) : undefined,
  };
}

function routedModel(entry: RoutedEntry, model: string, find: (model: string) => RoutedEntry): RoutedModel {
  const { group, context, showsServed, known } = entry;
  const [first] = group.servers;
  if (!first) throw new Error('an entry of models has no server');
  return {
    open: (calls) => (entry.isPlain ? calls.watch(first) : openCalls({ entry, model, find }, calls)),
    forward: (calls, request) =>
      entry.isPlain ? calls.watch(first)(request) : openForward({ entry, model, find }, calls, request),
    address: first.address,
    context,
    showsServed,
    async toldContext(timeout) {
      const told = await Promise.all(known.map(({ contexts, name }) => contexts?.of(name ?? model, timeout)));
      const least = Math.min(...told.map((one) => one ?? Number.POSITIVE_INFINITY));
      return least === Number.POSITIVE_INFINITY ? undefined : least;
    },
    learnContext(context) {
      if (!entry.isPlain) return; // the server that named it has learned it
      for (const { contexts, name } of known) contexts?.learn(name ?? model, context);
    },
  };
}
