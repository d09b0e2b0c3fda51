import { plainText } from './plain-text.ts';

/** Elements inside one another at most: those who parse and read them do so by calls within calls. */
const MAX_NESTED = 400;

/** Elements without an end, and those that the next of their kind ends. */
const OPEN_ENDED =
  /^(area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|dt|dd|td|th|tr|tbody|thead|tfoot|option)$/;

/** HTML without what nobody sees, which may be most of it. */
export function visibleHtml(html: string): string {
  const withoutScripts = html.replace(/<(script|style|noscript|template)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, ' ');
  return withoutScripts.replace(/<!--[\s\S]*?(?:-->|$)/g, ' ').replace(/<(?![a-z/!?])/gi, '‹'); // which begins no tag
}

/** How many elements HTML has, and entities: each costs a parser about as much as all of its kind before it. */
export interface HtmlSize {
  elements: number;
  entities: number;
  /** Whether some are nested deeper than can be parsed: many `<div>` alone take seconds, and then the stack. */
  isDeep: boolean;
}

/** The size of HTML, found in one pass. */
export function measureHtml(html: string): HtmlSize {
  let [elements, depth, deepest, foreign] = [0, 0, 0, 0];
  for (const [, end, written = '', rest = ''] of html.matchAll(/<(\/?)([a-z][a-z\d-]*)([^<>]*)/gi)) {
    const name = written.toLowerCase();
    if (!end) elements++;
    if (name === 'svg' || name === 'math') foreign = Math.max(0, foreign + (end ? -1 : 1));
    // HTML's own elements are open whether or not they end in a slash.
    if (OPEN_ENDED.test(name) || (foreign > 0 && rest.endsWith('/'))) continue;
    depth = Math.max(0, depth + (end ? -1 : 1));
    deepest = Math.max(deepest, depth);
  }
  return { elements, entities: html.split('&').length - 1, isDeep: deepest > MAX_NESTED };
}

/** The text of HTML that nobody parses: without its tags. */
export function stripTags(html: string): string {
  const visible = html
    .replace(/<(br|p|div|li|tr|h[1-6]|section|article)\b[^<>]{0,2000}>/gi, '\n')
    .replace(/<[^<>]{0,2000}>/g, ' ');
  const lines = plainText(visible).split('\n');
  return lines
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter(Boolean)
    .join('\n');
}
