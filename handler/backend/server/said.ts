import { isObject } from '../../protocol/json.ts';
import { notUnderstood, shapeOf } from './unread.ts';

/** What a text says: the answer, a thought before it, or a refusal. */
export type Voice = 'text' | 'reasoning' | 'refusal';

/** A piece of what a model said. */
export interface Said {
  voice: Voice;
  text: string;
}

/** Parts that say nothing themselves: where a text comes from. */
const SILENT = /reference|citation|annotation|signature|encrypted|redacted|cache/;

/**
 * What a member says that should be a text, and that servers write as a list of parts, or as one part, as well. Throws an
 * ApiError for a part that is not understood.
 */
export function saidIn(value: unknown, voice: Voice = 'text'): Said[] {
  if (value == null || value === '') return [];
  if (typeof value === 'string') return [{ voice, text: value }];
  if (Array.isArray(value)) return value.flatMap((part) => saidIn(part, voice));
  if (!isObject(value)) throw notUnderstood(shapeOf(value));
  if (Object.keys(value).length === 0) return [];
  const type = typeof value.type === 'string' ? value.type : '';
  if (SILENT.test(type)) return [];
  const own =
    /think|reason|thought/.test(type) || value.thought === true ? 'reasoning' : type === 'refusal' ? 'refusal' : voice;
  const named = [
    [value.thinking, 'reasoning'],
    [value.think, 'reasoning'],
    [value.reasoning, 'reasoning'],
    [value.refusal, 'refusal'],
    [value.text, own],
    [value.content, own],
    [value.value, own],
    [value.summary, 'reasoning'],
  ] as const;
  const found = named.filter(([inner]) => inner != null);
  if (found.length === 0) throw notUnderstood(shapeOf(value));
  return found.flatMap(([inner, as]) => saidIn(inner, as));
}
