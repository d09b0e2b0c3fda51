import { unsupported } from '../../../errors.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import type { callKinds } from './call-kinds.ts';

/** Members of an entry that say how well, and not what: they go to tools that take them, and are no mistake elsewhere. */
const HINTS: Readonly<Record<keyof typeof callKinds, readonly string[]>> = {
  web_search: ['search_context_size', 'user_location', 'external_web_access', 'search_content_types'],
  file_search: ['ranking_options'],
  code_interpreter: [],
  image_generation: ['model', 'moderation', 'partial_images', 'input_fidelity'],
};

/** What members are where nobody says otherwise: whoever names that asks for nothing. */
const DEFAULTS: Readonly<Partial<Record<keyof typeof callKinds, JsonObject>>> = {
  file_search: { max_num_results: 20 },
  image_generation: { output_compression: 100, output_format: 'png', n: 1 },
};

/**
 * The arguments that an entry of `tools` gives to every call: its members that are arguments of the tool. Throws an ApiError that names a member
 * which the tool has no argument for, and which would change what is done.
 */
export function fixedArguments(
  name: keyof typeof callKinds,
  entry: JsonObject,
  { param, properties, tool }: { param: string; properties: JsonObject; tool: string },
): JsonObject {
  const fixed: JsonObject = {};
  for (const [member, value] of membersOf(entry)) {
    if (Object.hasOwn(properties, member)) fixed[member] = value;
    else if (!HINTS[name].includes(member) && !asksNothing(value) && DEFAULTS[name]?.[member] !== value)
      throw unsupported(
        `${param}.${member}`,
        `is not supported: ${tool}, which does the work of ${name} here, has no argument of this name`,
      );
  }
  return fixed;
}

/** The members of an entry beside its type; those of `filters` one by one, as tools have them. */
function membersOf({ type: _, filters, ...members }: JsonObject): [string, unknown][] {
  const isOfDomains = isObject(filters) && ('allowed_domains' in filters || 'blocked_domains' in filters);
  const inside = isOfDomains ? Object.entries(filters) : [['filters', filters]];
  return [...Object.entries(members), ...inside] as [string, unknown][]; // whose names are texts
}

/** Whether a value leaves things as they are. */
function asksNothing(value: unknown): boolean {
  if (value == null || value === 'auto') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.entries(value).every(([name, inner]) => name === 'type' || asksNothing(inner));
}
