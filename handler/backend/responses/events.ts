import type { JsonObject } from '../../protocol/json.ts';
import { object, text } from '../server/json-fields.ts';
import { arrivalOf } from './items.ts';

/** Events that repeat others, or tell of something that is no answer. */
const KNOWN =
  /^(response\.(created|in_progress|queued|metadata|output_|content_part|reasoning_|refusal|function_call_|custom_|mcp_|web_|file_|code_|image_|shell_|apply_|computer_|audio|compaction|keep)|keepalive|ping)/;

/** Whether an event that is not read is known: what it says is said by others, or is no part of an answer. */
export function isKnownEvent(type: string): boolean {
  return KNOWN.test(type);
}

/** Whether an event is of an item other than a call: while a call is incomplete, it waits. */
export function isBesideCalls({ type, item }: JsonObject): boolean {
  if (type === 'response.output_item.added' || type === 'response.output_item.done') {
    return arrivalOf(object(item)) !== 'function_call';
  }
  return /^response\.(output_text|content_part|refusal|reasoning)/.test(text(type));
}
