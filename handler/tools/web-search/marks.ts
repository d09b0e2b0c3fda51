import type { TextMarks } from '../tool.ts';
import { domainOf } from './domains.ts';
import type { Sources } from './sources.ts';

/** The brackets of a citation. Hardly any text has them, and models that were trained to cite write them. */
const BEGINS = '【';
const ENDS = '】';
/** The most characters of a mark: some models write the lines that they cite behind the number. */
const MAX_MARK = 32;

/** A number, and what models add to it. */
const NUMBER = /^\s*(?:source|result|#)?\s*(\d{1,6})\s*(?:†[^†]*)?$/i;

/** Marks such as 【1】 become links to what the model has read, as OpenAI writes them: `([domain](url))`. */
export function citationMarks(sources: Sources): TextMarks {
  return {
    begins: BEGINS,
    ends: ENDS,
    maxLength: MAX_MARK,
    replace(inner) {
      const source = sources.at(Number(NUMBER.exec(inner)?.[1]));
      if (!source?.isRead) return undefined;
      const { url, title } = source;
      const text = `([${domainOf(url)}](${linkable(url)}))`;
      return { text, annotation: { type: 'url_citation', url, title, start_index: 0, end_index: text.length } };
    },
  };
}

/** A text that is not ours without the brackets of citations, so that no page can make one. */
export function withoutMarks(text: string): string {
  return text.replaceAll(BEGINS, '[').replaceAll(ENDS, ']');
}

/** A URL as it may stand in a Markdown link. */
function linkable(url: string): string {
  return url.replaceAll('(', '%28').replaceAll(')', '%29');
}
