import { ApiError } from '../errors.ts';
import type { CallOutput, FunctionCall, InputItem, Item } from '../protocol/items.ts';
import { toItem } from './items.ts';

/** A turn's input: what is new in it, and all that the model is to see. */
export interface JoinedInput {
  own: Item[];
  whole: Item[];
}

/**
 * Puts a request's input after what was before. What the client repeats of that is left out, and so are calls whose
 * arguments were cut. Throws an ApiError for two items of one id, for an output without its call, and for a call
 * without its output.
 */
export function joinInput(before: readonly Item[], input: string | readonly InputItem[]): JoinedInput {
  const items =
    typeof input === 'string' ? [toItem({ type: 'message', role: 'user', content: input })] : itemsOf(input, 'input');
  const own = before.length === 0 ? items : items.filter(isNew(before));
  const whole = [...before, ...own].filter((item) => item.type !== 'function_call' || item.status !== 'incomplete');
  checkCalls(whole);
  return { own, whole };
}

/** Items of a request's member `param` as they are kept; throws an ApiError when two have the same id. */
export function itemsOf(input: readonly InputItem[], param: string): Item[] {
  const ids = new Set<string>();
  return input.map((given) => {
    const item = toItem(given);
    if (ids.has(item.id)) throw refused(`Two items have the same id: ${item.id}`, param);
    ids.add(item.id);
    return item;
  });
}

/** Whether an item is not a repetition: by its id, or, of a call or its output, by all that it says. */
function isNew(before: readonly Item[]): (item: Item) => boolean {
  const ids = new Set(before.map(({ id }) => id));
  const calls = new Set<string>();
  const outputs = new Set<string>();
  const open = new Set<string>();
  for (const item of before) {
    if (item.type === 'function_call') {
      calls.add(callKey(item));
      open.add(item.call_id);
    } else if (item.type === 'function_call_output') {
      outputs.add(outputKey(item));
      open.delete(item.call_id);
    }
  }
  return (item) => {
    if (ids.has(item.id)) return false;
    if (item.type === 'function_call') return !calls.has(callKey(item));
    // Some servers count their call ids anew in every turn, so an output for a call that waits is none of before.
    if (item.type === 'function_call_output') return open.has(item.call_id) || !outputs.has(outputKey(item));
    return true;
  };
}

function callKey({ call_id, name, arguments: text }: FunctionCall): string {
  return JSON.stringify([call_id, name, text]);
}

function outputKey({ call_id, output }: CallOutput): string {
  return JSON.stringify([call_id, output]);
}

function checkCalls(items: readonly Item[]): void {
  const waiting: string[] = [];
  for (const item of items) {
    if (item.type === 'function_call') waiting.push(item.call_id);
    else if (item.type === 'function_call_output') {
      const at = waiting.lastIndexOf(item.call_id);
      if (at < 0) throw refused(`No tool call found for function call output with call_id ${item.call_id}.`);
      waiting.splice(at, 1);
    }
  }
  if (waiting.length > 0) throw refused(`No tool output found for function call ${waiting[0]}.`);
}

function refused(message: string, param = 'input'): ApiError {
  return new ApiError('refused', message, { param });
}
