import type { InputPart } from '../protocol/content.ts';

const encoder = new TextEncoder();

/**
 * A result of a tool as the model reads it: after so many bytes texts are cut, and other parts are left out, with a word of it. What is within
 * the bound stays as it is.
 */
export function cutResult(output: string | InputPart[], max: number): string | InputPart[] {
  if (typeof output === 'string') return cutText(output, max);
  let left = max;
  const parts = output.map((part): InputPart => {
    const size = sizeOf(part);
    const room = Math.max(0, left);
    left -= size;
    if (size <= room) return part;
    return part.type === 'input_text' ? { ...part, text: cutText(part.text, room) } : LEFT_OUT;
  });
  return left < 0 ? parts : output;
}

/** The text, or as much of it as has so many bytes. */
export function cutText(text: string, max: number): string {
  if (text.length * 3 <= max) return text; // no character takes more
  const bytes = encoder.encode(text);
  if (bytes.length <= max) return text;
  const start = new TextDecoder().decode(bytes.subarray(0, max), { stream: true }); // without half a character
  return `${start}\n[Cut here: this is ${max} bytes of ${bytes.length}.]`;
}

const LEFT_OUT: InputPart = { type: 'input_text', text: '[Left out here: the result is too large.]' };

function sizeOf(part: InputPart): number {
  if (part.type === 'input_text') return encoder.encode(part.text).length;
  if (part.type === 'input_image') return part.image_url.length;
  return (part.file_data ?? part.file_url ?? '').length;
}
