import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import { scanHtml } from './html-scan.ts';
import { nameOf, type PageLink, type WebPage } from './web-page.ts';

/** What is used of a node of a document. */
interface HtmlNode {
  readonly nodeType: number;
  readonly localName?: string | undefined;
  readonly childNodes: Iterable<HtmlNode>;
  readonly textContent: string | null;
  getAttribute?(name: string): string | null;
}

/** Elements of a page at most for Readability, which takes up to a millisecond for each; of a larger one all that is in `main` is read. */
const MAX_ARTICLE = 3_000;
/** Elements and entities of a page at most for a parser; of a larger one the text between its tags is read. */
const MAX_PARSED = 20_000;
/** Characters of its text. */
const MAX_ARTICLE_TEXT = 300_000;
const MAX_LINKS = 200;
const MAX_LINK_TEXT = 120;

const ELEMENT = 1;
const TEXT = 3;

const SKIPPED =
  /^(script|style|noscript|template|svg|math|iframe|object|canvas|form|button|input|select|textarea|head|nav|footer)$/;
const BLOCK =
  /^(address|article|aside|blockquote|body|br|dd|details|div|dl|dt|figcaption|figure|h[1-6]|header|hr|html|li|main|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul)$/;

/** An HTML page as the text of its article, or of all of it where it has none. It never throws: what cannot be parsed is its text without tags. */
export function readHtml(written: string, url: string): WebPage {
  const { html, text: bare, title = nameOf(url), elements, entities } = scanHtml(written);
  const plain = { url, title, text: bare, links: [] };
  if (elements + entities > MAX_PARSED) return plain;
  try {
    const { document } = parseHTML(html.includes('<html') ? html : `<html><body>${html}</body></html>`);
    const base = document.querySelector('base[href]')?.getAttribute('href') ?? '';
    const from = URL.canParse(base, url) ? new URL(base, url).href : url;
    const main = document.querySelector('main') ?? document.body;
    const whole = readNode(main as unknown as HtmlNode, from); // linkedom's nodes have what is used of them
    const article = elements <= MAX_ARTICLE && bare.length <= MAX_ARTICLE_TEXT ? articleOf(document) : undefined;
    const told = article?.node ? readNode(article.node, from) : whole;
    // Readability takes a sidebar for the article where there is none, as on lists of links.
    const { text, links } = told.text.length * 5 > whole.text.length ? told : whole;
    const named = article?.title?.trim() || title;
    return { url, title: named.replace(/\s+/g, ' ').slice(0, 300), text: text === '' ? bare : text, links };
  } catch {
    return plain;
  }
}

/** What Readability finds; it changes the document. */
function articleOf(document: object): { title?: string | null | undefined; node: HtmlNode | undefined } | undefined {
  const options = { charThreshold: 200, serializer: (node: unknown) => node as HtmlNode }; // the element that it made
  try {
    const found = new Readability(document as never, options).parse(); // a document as it needs one
    return found ? { title: found.title, node: found.content ?? undefined } : undefined;
  } catch {
    return undefined; // a document that it cannot take
  }
}

/** The text below a node, in lines, and its links. */
function readNode(node: HtmlNode, base: string): { text: string; links: PageLink[] } {
  const lines: string[] = [''];
  const links = new Map<string, string>();
  const say = (words: string) => {
    lines[lines.length - 1] += words;
  };
  const breakLine = () => {
    if (lines.at(-1)?.trim() !== '') lines.push('');
  };
  const walk = (at: HtmlNode, isPre: boolean): void => {
    if (at.nodeType === TEXT) {
      const text = at.textContent ?? '';
      if (!isPre) {
        say(text.replace(/\s+/g, ' '));
        return;
      }
      for (const [index, line] of text.split('\n').entries()) {
        if (index > 0) lines.push('');
        say(line);
      }
      return;
    }
    const name = at.localName ?? '';
    if (at.nodeType !== ELEMENT || SKIPPED.test(name)) return;
    const isBlock = BLOCK.test(name);
    if (isBlock) breakLine();
    if (/^h[1-6]$/.test(name)) say(`${'#'.repeat(Number(name[1]))} `);
    else if (name === 'li') say('- ');
    else if (name === 'td' || name === 'th') say(' | ');
    for (const child of at.childNodes) walk(child, isPre || name === 'pre');
    if (isBlock) breakLine();
    if (name === 'a') addLink(links, at, base);
  };
  walk(node, false);
  const text = lines
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '' && line.trim() !== '-')
    .map((line) => line.replace(/^ (?=\S)/, ''))
    .join('\n');
  return { text, links: [...links].map(([url, text]) => ({ url, text })) };
}

/** As much of the text below a node as is wanted: links may be in one another. */
function beginningOf(node: HtmlNode, length: number): string {
  if (node.nodeType === TEXT) return (node.textContent ?? '').slice(0, length);
  let text = '';
  for (const child of node.childNodes) {
    if (text.length >= length) break;
    text += beginningOf(child, length - text.length);
  }
  return text;
}

function addLink(links: Map<string, string>, node: HtmlNode, base: string): void {
  const href = node.getAttribute?.('href') ?? '';
  if (href === '' || href.startsWith('#') || links.size >= MAX_LINKS || !URL.canParse(href, base)) return;
  const text = beginningOf(node, MAX_LINK_TEXT * 4)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_LINK_TEXT);
  if (text === '') return;
  const url = new URL(href, base);
  url.hash = '';
  if (/^https?:$/.test(url.protocol) && !links.has(url.href)) links.set(url.href, text);
}
