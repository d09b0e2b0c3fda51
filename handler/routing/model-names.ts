import type { ApiError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { nearest } from '../nearest.ts';
import { type Models, unknownModel } from './models.ts';

/** Where names of models are from, and how long they may take. */
export interface ModelNames {
  models: Pick<Models, 'list'>;
  limits: Pick<Limits, 'listing'>;
}

/** The most characters of names in a message. */
const MAX_NAMES = 110;

/**
 * The error, and if it is that of a model which is not there, with the names that are: what was probably meant, and then as many as
 * fit. They are those of `GET /v1/models`, and waited for as long as there.
 */
export async function withModelNames(
  { models, limits }: ModelNames,
  model: string,
  error: ApiError,
): Promise<ApiError> {
  if (error.kind !== 'model_not_found') return error;
  const names = (await models.list(limits.listing)).filter((name) => name !== model);
  const near = nearest(model, names);
  const shown: string[] = [];
  for (const name of names) if (`${shown} ${name}`.length <= MAX_NAMES) shown.push(name);
  const more = names.length - shown.length;
  const all = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return error.and(
    `${near ? `Did you mean ${near}? ` : ''}${all && `There are: ${all}. `}\`models\` in the configuration decides.`,
  );
}

/** The error of a model that is not there, with the names that are. */
export function modelNotFound(services: ModelNames, model: string): Promise<ApiError> {
  return withModelNames(services, model, unknownModel(model));
}
