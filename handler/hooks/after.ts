import type { Caller } from '../caller.ts';
import { InputItem } from '../items/input.ts';
import type { OutputItem } from '../items/item.ts';
import { isObject } from '../protocol/json.ts';
import { Metadata } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';
import type { TurnRecord } from '../turn/record.ts';
import { fitting } from '../validate.ts';
import type { HookServices } from './before.ts';
import { misbehaved, runHook } from './run-hook.ts';

/** Whose turn is recorded, and what is told that no model is waited for. */
export interface AfterTurn {
  caller: Caller;
  waiting(forModel: boolean): void;
}

/**
 * The record of a turn whose response `after` sees before it ends: what is stored and told is what that makes of it. One that it refuses fails,
 * without output, and so does one that it breaks.
 */
export function reviewed(
  record: TurnRecord,
  { hooks, limits }: HookServices,
  { caller, waiting }: AfterTurn,
): TurnRecord {
  const { after } = hooks;
  if (!after) return record;
  /** The output once it was seen: whatever becomes of the turn, no other is stored. */
  let output: OutputItem[] | undefined;
  const review = async (response: Response): Promise<Response> => {
    output = [];
    waiting(false);
    const copy = structuredClone(response);
    const given = await runHook('after', (context) => after(copy, context), { caller }, limits.hook);
    const changed = given === undefined ? response : changedBy(given, response);
    ({ output } = changed);
    return changed;
  };
  return {
    calling: (...given) => record.calling(...given),
    called: (...given) => record.called(...given),
    round: (...given) => record.round(...given),
    async end(response) {
      if (output !== undefined) return record.end({ ...response, output }, true);
      const isWhole = response.status === 'completed' || response.status === 'incomplete';
      if (isWhole) return record.end(await review(response), true);
      if (response.output.length === 0) return record.end(response);
      // It has failed already, whatever the hook says: what is refused of it is not kept.
      return record.end(await review(response).catch(() => ({ ...response, output: [] })), true);
    },
  };
}

/** The response with what counts of another. Throws an ApiError for what no response has. */
function changedBy(given: unknown, response: Response): Response {
  if (!isObject(given)) return misbehaved('after', 'returned no response');
  const { output: list = response.output, metadata = response.metadata } = given;
  const output = asJson(list);
  if (!Array.isArray(output)) return misbehaved('after', 'returned a response whose output is no list of JSON');
  const wrong = output.findIndex((item) => !isOutput(item));
  if (wrong >= 0) return misbehaved('after', `returned a response whose output[${wrong}] is no item, or has no id`);
  const notes = metadata === null ? null : fitting(Metadata, metadata);
  if (notes === undefined) return misbehaved('after', 'returned a response whose metadata is none');
  return { ...response, output, metadata: notes ?? response.metadata };
}

/** The value as it is stored and sent; undefined where it cannot be. */
function asJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return undefined;
  }
}

/** Whether a value may stand in an output: what a client may send back can. */
function isOutput(item: unknown): item is OutputItem {
  if (!isObject(item) || typeof item.id !== 'string' || item.id === '') return false;
  if (item.type === 'message' && item.role !== 'assistant') return false;
  return fitting(InputItem, item) !== undefined;
}
