import { ApiError } from '../../errors.ts';

/** A model as Anthropic lists it. Of what it can do nothing is known here. */
export interface ListedModel {
  type: 'model';
  id: string;
  display_name: string;
  created_at: string;
  capabilities: null;
  deprecated_at: null;
  lifecycle: 'active';
  line: null;
  max_input_tokens: null;
  max_tokens: null;
  retires_at: null;
}

/** A page of models. */
export interface ModelPage {
  data: ListedModel[];
  has_more: boolean;
  first_id: string | null;
  last_id: string | null;
}

/** A model by its name. */
export function listedModel(id: string): ListedModel {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '1970-01-01T00:00:00Z', // what Anthropic gives where it does not know
    capabilities: null,
    deprecated_at: null,
    lifecycle: 'active',
    line: null,
    max_input_tokens: null,
    max_tokens: null,
    retires_at: null,
  };
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** The page that a query asks for; throws an ApiError that names the parameter that is wrong. */
export function pageOfModels(ids: readonly string[], query: Readonly<Record<string, string>>): ModelPage {
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new ApiError('invalid_value', `limit must be a whole number from 1 to ${MAX_LIMIT}`, { param: 'limit' });
  }
  const { after_id, before_id } = query;
  if (after_id !== undefined && before_id !== undefined) {
    throw new ApiError('invalid_value', 'before_id must not stand beside after_id', { param: 'before_id' });
  }
  const end = before_id === undefined ? ids.length : placeOf(ids, before_id, 'before_id');
  const start = after_id === undefined ? 0 : placeOf(ids, after_id, 'after_id') + 1;
  const from = before_id === undefined ? start : Math.max(0, end - limit);
  const page = ids.slice(from, Math.min(end, from + limit));
  return {
    data: page.map(listedModel),
    has_more: before_id === undefined ? from + limit < ids.length : from > 0,
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
  };
}

function placeOf(ids: readonly string[], id: string, param: string): number {
  const at = ids.indexOf(id);
  if (at < 0) throw new ApiError('invalid_value', `${param} must be the id of a model in the list`, { param });
  return at;
}
