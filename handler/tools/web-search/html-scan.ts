import { decodeEntities } from './plain-text.ts';

/** HTML as it can be parsed in little time, and what there is in it. */
export interface ScannedHtml {
  /** The same text in well-nested elements, without what nobody sees, and with few attributes. */
  html: string;
  /** The text between the tags, in lines, for HTML that is too large to parse. */
  text: string;
  title: string | undefined;
  elements: number;
  /** Each costs a parser about as much as all before it. */
  entities: number;
}

/** Elements inside one another at most: those who read them go through the text below each. In deeper ones the text goes on, without their tags. */
const MAX_NESTED = 64;
/** Characters of an attribute at most, and of an address. */
const MAX_ATTRIBUTE = 300;
const MAX_HREF = 2_000;
const MAX_TITLE = 300;

const TAG = /<(\/?)([a-z][\w:-]{0,60})/iy;
const ATTRIBUTE = /[\s/]*([^\s=<>"'/]{1,60})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?/y;
/** What else may stand between attributes. */
const STRAY = /[\s/=]+|["']/y;

/** Elements whose content nobody sees as text. */
const UNSEEN =
  /^(script|style|noscript|template|svg|math|iframe|object|canvas|video|audio|textarea|select|xmp|noembed|noframes)$/;
/** Elements without content that have no text either. */
const EMPTY = /^(area|col|embed|img|input|link|param|source|track|wbr)$/;
const VOID = /^(base|br|hr|meta)$/;
/** Elements that the beginning of another one ends. */
const ENDED_BY: Readonly<Record<string, RegExp>> = {
  p: /^p$/,
  li: /^(li|p)$/,
  dt: /^(dt|dd|p)$/,
  dd: /^(dt|dd|p)$/,
  td: /^(td|th|p)$/,
  th: /^(td|th|p)$/,
  tr: /^(tr|td|th|p)$/,
  tbody: /^(tbody|thead|tfoot|tr|td|th|p)$/,
  thead: /^(tbody|thead|tfoot|tr|td|th|p)$/,
  tfoot: /^(tbody|thead|tfoot|tr|td|th|p)$/,
  option: /^option$/,
};
const BREAKS =
  /^(address|article|aside|blockquote|br|d[dt]|div|h[1-6]|hr|li|main|ol|p|pre|section|t[dhr]|table|title|ul)$/;
/** Attributes by which an article is found, and where a link leads. */
const KEPT = /^(aria-hidden|class|content|hidden|href|id|itemprop|name|property|rel|role|style)$/;

/** Goes through HTML once, whatever it is: the time it takes is in proportion to its length. */
export function scanHtml(given: string): ScannedHtml {
  const html: string[] = [];
  const text: string[] = [];
  const open: string[] = [];
  let title: string | undefined;
  let [at, elements, entities] = [0, 0, 0];

  const say = (words: string) => {
    for (let next = words.indexOf('&'); next >= 0; next = words.indexOf('&', next + 1)) entities++;
    html.push(words);
    text.push(words);
  };
  const close = (depth: number) => {
    while (open.length > depth) html.push(`</${open.pop()}>`);
  };
  const begin = (name: string, attributes: string) => {
    if (VOID.test(name)) {
      elements++;
      html.push(`<${name}${attributes}>`);
      return;
    }
    const ends = ENDED_BY[name];
    let depth = open.length;
    while (ends && depth > 0 && ends.test(open[depth - 1] ?? '')) depth--;
    close(depth);
    if (depth >= MAX_NESTED) return;
    elements++;
    open.push(name);
    html.push(`<${name}${attributes}>`);
  };

  while (at < given.length) {
    const next = given.indexOf('<', at);
    if (next < 0) break;
    if (next > at) say(given.slice(at, next));
    TAG.lastIndex = next;
    const [whole, end, written = ''] = TAG.exec(given) ?? [];
    if (whole === undefined) {
      at = afterMarkup(given, next);
      if (at === next) {
        say('&lt;');
        at = next + 1;
      }
      continue;
    }
    const name = written.toLowerCase();
    const { attributes, rest } = attributesAt(given, next + whole.length, name);
    at = rest;
    if (EMPTY.test(name)) continue;
    text.push(BREAKS.test(name) ? '\n' : ' ');
    if (end) {
      const depth = open.lastIndexOf(name);
      if (depth >= 0) close(depth);
    } else if (UNSEEN.test(name)) {
      at = afterEnd(given, at, name).rest;
    } else if (name === 'title') {
      const { until, rest } = afterEnd(given, at, name);
      title ??=
        decodeEntities(given.slice(at, Math.min(until, at + MAX_TITLE)))
          .replace(/\s+/g, ' ')
          .trim() || undefined;
      at = rest;
    } else begin(name, attributes);
  }
  if (at < given.length) say(given.slice(at));
  close(0);
  return { html: html.join(''), text: linesOf(text.join('')), title, elements, entities };
}

/** Where a comment or the like that begins at a place ends; the place itself if none does. */
function afterMarkup(html: string, at: number): number {
  if (html.startsWith('<!--', at)) return after(html, '-->', at + 4);
  const second = html[at + 1];
  return second === '!' || second === '?' || second === '/' ? after(html, '>', at + 1) : at;
}

function after(html: string, end: string, from: number): number {
  const place = html.indexOf(end, from);
  return place < 0 ? html.length : place + end.length;
}

/** Where the content of an element ends, and where what comes behind it begins. */
function afterEnd(html: string, from: number, name: string): { until: number; rest: number } {
  const ends = new RegExp(`</${name}(?![\\w:-])[^<>]{0,100}>?`, 'gi');
  ends.lastIndex = from;
  const found = ends.exec(html);
  return found ? { until: found.index, rest: ends.lastIndex } : { until: html.length, rest: html.length };
}

/** The attributes of a tag that are kept, as they are written anew, and where the tag ends. */
function attributesAt(html: string, from: number, name: string): { attributes: string; rest: number } {
  let attributes = '';
  let at = from;
  const seen = new Set<string>();
  while (at < html.length && html[at] !== '>' && html[at] !== '<') {
    ATTRIBUTE.lastIndex = at;
    const found = ATTRIBUTE.exec(html);
    if (!found) {
      STRAY.lastIndex = at;
      at = STRAY.test(html) ? STRAY.lastIndex : at + 1;
      continue;
    }
    at = ATTRIBUTE.lastIndex;
    const key = (found[1] ?? '').toLowerCase();
    const value = found[2] ?? found[3] ?? found[4] ?? '';
    if (!KEPT.test(key) || seen.has(key)) continue;
    if (value.length > (key === 'href' ? MAX_HREF : MAX_ATTRIBUTE)) continue;
    if ((key === 'href' && name !== 'a' && name !== 'base') || (key === 'content' && name !== 'meta')) continue;
    seen.add(key);
    attributes += ` ${key}="${value.replaceAll('"', '&quot;')}"`;
  }
  return { attributes, rest: html[at] === '>' ? at + 1 : at };
}

function linesOf(text: string): string {
  return decodeEntities(text)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter(Boolean)
    .join('\n');
}
