import * as v from 'valibot';
import { didYouMean } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import { builtIn, oneOfSeveral, placeKeys, serverKeys, serverMistakes } from './model-servers.ts';
import { joinNames } from './names.ts';
import type { ConfigProblem } from './problems.ts';
import { integer } from './quantity.ts';
import { routing } from './routing.ts';
import { windows } from './windows.ts';

export { builtIn, type ServerConfig, serversOf } from './model-servers.ts';

/** The mistake of a backend that is not there, in an entry of `models`. */
export function unknownBackend(index: number, backend: string, known: readonly string[]): ConfigProblem {
  const says = `must be ${joinNames(known, 'or')}${didYouMean(backend, known)}`;
  return { path: ['models', String(index), 'backend'], says };
}

const match = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));
const context = v.optional(integer(256));

const builtInModel = v.pipe(
  v.strictObject({
    match,
    backend: v.picklist(builtIn),
    ...placeKeys,
    ...serverKeys,
    context,
    to: v.optional(
      v.pipe(v.array(oneOfSeveral, 'must be a list of servers'), v.nonEmpty('must name at least one server')),
    ),
    ...routing,
    /** What all callers together may use of its models. */
    ...windows,
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [path, message] of serverMistakes(dataset.value))
      addIssue({ message, path: pathTo(dataset.value, path) });
  }),
);

/** A path as valibot has it. */
function pathTo(value: unknown, keys: readonly string[]): [v.IssuePathItem, ...v.IssuePathItem[]] {
  let input = Object(value);
  const path = keys.map((key) => {
    const item = { type: 'unknown' as const, origin: 'value' as const, input, key, value: input[key] };
    input = Object(input[key]);
    return item;
  });
  return path as [v.IssuePathItem, ...v.IssuePathItem[]]; // every mistake has a place
}

/** An entry for a backend that the root added, which checks its other keys itself. */
const addedModel = v.pipe(
  v.looseObject({ match, backend: v.string('must be a text'), context, ...windows }),
  v.transform(({ match, backend, context, limits, budgets, ...keys }) => ({
    match,
    backend,
    context,
    ...(limits && { limits }),
    ...(budgets && { budgets }),
    keys,
  })),
);

const names = new Set<unknown>(builtIn);

/** One entry of `models`. */
export const model = v.lazy<typeof builtInModel | typeof addedModel>((entry) =>
  isObject(entry) && entry.backend !== undefined && !names.has(entry.backend) ? addedModel : builtInModel,
);

/** An entry of `models`, parsed. */
export type ModelConfig = BuiltInModel | AddedModel;

/** An entry of `models` whose backend is built in. */
export type BuiltInModel = v.InferOutput<typeof builtInModel>;

/** An entry of `models` whose backend a root has added; `keys` are all of its own. */
export type AddedModel = v.InferOutput<typeof addedModel>;
