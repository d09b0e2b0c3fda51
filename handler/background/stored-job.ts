import * as v from 'valibot';
import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { describe, log } from '../log.ts';
import { Annotation } from '../protocol/content.ts';
import { maybe } from '../protocol/fields.ts';
import { CreateRequest } from '../protocol/request.ts';
import { itemsOf } from '../state/items.ts';
import type { StoredJob } from '../state/jobs.ts';
import type { ResolvedRequest } from '../turn/request.ts';
import { check } from '../validate.ts';
import type { Progress } from './progress.ts';

/** A job, parsed: what a background turn is run from. */
export interface BackgroundJob extends Omit<StoredJob, 'request' | 'progress' | 'input' | 'roundItems'> {
  request: ResolvedRequest;
  progress: Progress;
  input: Item[];
  roundItems: Item[];
}

/**
 * A request as it was planned: with the instructions of its prompt, and with input items only where the conversation already
 * had some.
 */
const StoredRequest = v.object({
  ...CreateRequest.entries,
  model: v.string(),
  instructions: maybe(v.string()),
  input: maybe(v.union([v.string(), v.array(v.looseObject({ type: v.string() }))])),
  prompted: v.optional(v.number(), 0),
  compacts: maybe(v.boolean()),
  held: maybe(v.array(v.string())),
});

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const StoredUsage = v.nullable(v.looseObject({ input_tokens: Count, output_tokens: Count, total_tokens: Count }));

const StoredProgress = v.object({
  number: Count,
  round: v.pipe(v.number(), v.integer(), v.minValue(1)),
  usage: StoredUsage,
  counted: v.optional(StoredUsage),
  said: Count,
  calls: v.optional(Count, 0),
  citations: v.optional(v.array(Annotation), []),
  reads: v.optional(Count),
  running: v.optional(v.object({ items: Count, ends: v.boolean() })),
});

/** Parses a stored progress; throws when it cannot be parsed. */
export function readProgress(progress: string): Progress {
  return check(StoredProgress, JSON.parse(progress), 'progress') as Progress; // as `LogRecord` stored it
}

/** Parses a stored job; an ApiError when it cannot be parsed: no process could, so the response has to fail. */
export function readJob(
  id: string,
  { request, progress, input, roundItems, ...rest }: StoredJob,
): BackgroundJob | ApiError {
  try {
    return {
      ...rest,
      // As `startBackground` stored it: of a version that this program knows.
      request: check(StoredRequest, JSON.parse(request), 'request') as ResolvedRequest,
      progress: readProgress(progress),
      input: itemsOf(input),
      roundItems: itemsOf(roundItems),
    };
  } catch (error) {
    log.error('a background turn cannot be read, and fails', { response_id: id, error: describe(error) });
    return new ApiError('server', 'What this response is made from can be read no more.');
  }
}
