import * as v from 'valibot';
import { Seconds } from './list.ts';

/** What usage may be told apart by. */
export const usageGroupNames = ['day', 'user', 'project', 'key', 'model', 'kind'] as const;

/** Groups of one page at most. */
const MAX_GROUPS = 1_000;

/** The query of usage: a range of time, what it is told apart by, and a page of that. */
export const UsagePageQuery = v.object({
  start_time: Seconds,
  end_time: Seconds,
  group_by: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(',').map((name) => name.trim())),
      v.array(v.picklist(usageGroupNames, `must be of ${usageGroupNames.join(', ')}, with commas between`)),
    ),
    'day',
  ),
  after: v.optional(v.string()),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,5}$/, 'must be a whole number'),
      v.transform(Number),
      v.minValue(1),
      v.maxValue(MAX_GROUPS),
    ),
    '100',
  ),
});
export type UsagePageQuery = v.InferOutput<typeof UsagePageQuery>;

/** How many turns there were, and what they used. */
export interface Used {
  requests: number;
  input_tokens: number;
  cached_input_tokens: number;
  cached_write_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  total_tokens: number;
  /** By the names of the configuration. */
  costs: Record<string, number>;
}

/** What a group of turns used; null by what it is not told apart, and where that is not known. */
export interface UsageResult extends Used {
  object: 'usage.result';
  user: string | null;
  project: string | null;
  key: string | null;
  model: string | null;
  kind: string | null;
}

/** The groups of a day, or of the whole range; times in seconds since 1970. */
export interface UsageBucket {
  object: 'bucket';
  start_time: number;
  end_time: number;
  results: UsageResult[];
}

/** A page of usage; `has_more` says that there are more groups after `last_id`. */
export interface UsagePage {
  object: 'page';
  data: UsageBucket[];
  last_id: string | null;
  has_more: boolean;
}
