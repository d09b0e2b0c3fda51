import type { InputPart } from '../protocol/content.ts';

/** A URL for others to fetch, and the member of the item, or of the part, that holds it. */
export type MediaUrl = [member: string, url: string];

/** No media URLs. */
export function noMedia(): [] {
  return [];
}

/** The URLs in a part. Some servers take one for a file's data as well. */
export function* urlsOf(part: InputPart): Generator<MediaUrl> {
  if (part.type === 'input_image') yield ['image_url', part.image_url];
  if (part.type !== 'input_file') return;
  const { file_url, file_data } = part;
  if (file_url != null) yield ['file_url', file_url];
  if (file_data != null && /^\s*[a-z][a-z\d+.-]*:\/\//i.test(file_data)) yield ['file_data', file_data];
}

/** The URLs in a text, which has none, or in parts, by the name of the member that they are. */
export function* urlsWithin(
  name: string,
  parts: string | readonly (InputPart | { type: 'output_text' | 'refusal' })[],
): Generator<MediaUrl> {
  if (typeof parts === 'string') return;
  for (const [index, part] of parts.entries()) {
    if (part.type !== 'input_image' && part.type !== 'input_file') continue;
    for (const [member, url] of urlsOf(part)) yield [`${name}[${index}].${member}`, url];
  }
}
