import { present } from '../../protocol/json.ts';
import type { TextFormat } from '../../protocol/tools.ts';

/** A format as Chat Completions has it in `response_format`; null for free text. */
export function responseFormat(format: TextFormat): object | null {
  if (format.type === 'text') return null;
  if (format.type === 'json_object') return { type: 'json_object' };
  const { type, ...json_schema } = format;
  return { type, json_schema: present(json_schema) };
}
