import type { InputPart, PromptCacheBreakpoint } from '../protocol/content.ts';
import { present } from '../protocol/json.ts';

/** The stored form of a client's part: no nulls, and an image with its detail. */
export function keptPart(part: InputPart): InputPart {
  const cleanPart = withoutNulls(part);
  return cleanPart.type === 'input_image' ? { ...cleanPart, detail: cleanPart.detail ?? 'auto' } : cleanPart;
}

/** A part without nulls. */
export function withoutNulls<P extends { prompt_cache_breakpoint?: PromptCacheBreakpoint | null | undefined }>(
  part: P,
): P {
  const { prompt_cache_breakpoint: end } = part;
  return { ...present(part), ...(end && { prompt_cache_breakpoint: present(end) }) };
}
