import { ApiError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';

/** A body that is read as a create; throws an ApiError, naming the field, where it has more items or tools than `limits` say. */
export function checkLengths(
  body: JsonObject,
  { items: maxItems, tools: maxTools }: Pick<Limits, 'items' | 'tools'>,
): JsonObject {
  const items = listOf(body.input);
  if (items.length > maxItems) throw tooMany('input', `${maxItems} items`, items.length, 'limits.items');
  checkTools('tools', listOf(body.tools), maxTools);
  checkTools(
    'input',
    items.flatMap((item) => (isObject(item) ? listOf(item.tools) : [])),
    maxTools,
  );
  return body;
}

/**
 * Throws an ApiError that names `param` for more than `max` tools, counting members of namespaces; `which` completes
 * the message.
 */
export function checkTools(param: string, tools: readonly unknown[], max: number, which = ''): void {
  const count = tools.reduce<number>(
    (sum, tool) => sum + (isObject(tool) ? Math.max(1, listOf(tool.tools).length) : 1),
    0,
  );
  if (count > max) throw tooMany(param, `${max} tools${which}`, count, 'limits.tools');
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function tooMany(param: string, what: string, count: number, key: string): ApiError {
  const message = `${param} must not have more than ${what}, and has ${count} (\`${key}\` in the configuration)`;
  return new ApiError('invalid_value', message, { param });
}
