/** The replacement of a secret. */
const REDACTED = '[redacted]';

/** The shortest secret, in characters: placeholders such as `EMPTY` and `none` occur in other words. */
const MIN_SECRET_LENGTH = 6;

/**
 * Patterns of credentials, and their replacements. One that begins a word may follow a letter that is the end of an escape: of
 * JSON, which lines are in, or of a terminal.
 */
const patterns: [RegExp, string][] = [
  [
    /(?:\b|(?<=\\[bfnrt]|\\u[\da-f]{4}|\[[\d;]{0,9}m))(Bearer|Basic)(?:\s|\\+[nrt]|%20)+[^\s"'\\,;]{6,}/gi,
    `$1 ${REDACTED}`,
  ],
  [/(?:(?<![A-Za-z\d])|(?<=\\[bfnrt]|\\u[\da-f]{4}|\[[\d;]{0,9}m))sk-[\w*.-]{6,}/g, REDACTED],
  // A user and a password in a URL, and its query, in which many services take keys and all presigned URLs have one.
  [/(:\/\/)[^\s/?#"'\\]*@/g, `$1${REDACTED}@`],
  [/(:\/\/(?:[^\s?#"'\\:]|:(?!\/\/))*\?)[^\s"'\\]+/g, `$1${REDACTED}`],
];

/**
 * Keys of ours, as they are and URL-encoded, of which the id may be known: one wherever it stands, and the beginning of one where a
 * word begins.
 */
const keyPatterns = [
  /ak((?:_|%5[Ff])[a-z\d]{1,32}(?:_|%5[Ff]))[\w%-]{24,}/g,
  /(?:(?<![A-Za-z\d])|(?<=\\[bfnrt]|\\u[\da-f]{4}|\[[\d;]{0,9}m))ak((?:_|%5[Ff])[a-z\d]{1,32}(?:_|%5[Ff]))[\w%-]{6,}/g,
];

/** The most secrets of earlier configurations that are still removed: whatever runs with one ends long before so many changes. */
const MAX_EARLIER = 200;

/** Secrets that stay. */
const lasting = new Set<string>();
const lists = new Set<ConfiguredSecrets>();
let secretPattern: RegExp | undefined;

/** Makes `redact` remove a text from now on, also in its JSON and URL encodings. One below 6 characters is ignored. */
export function keepSecret(text: string): void {
  lasting.add(text);
  makePattern();
}

/** The secrets of one configuration after another, which `redact` removes. */
export class ConfiguredSecrets {
  /** The newest are the last. */
  texts: readonly string[] = [];

  constructor() {
    lists.add(this);
  }

  /** Takes the secrets of the newest configuration, as `keepSecret` does; of earlier ones the last 200 stay, for what still runs. */
  keep(texts: readonly (string | undefined)[]): void {
    const newest = new Set(texts.filter((text) => text !== undefined));
    const earlier = this.texts.filter((text) => !newest.has(text));
    this.texts = [...earlier.slice(-MAX_EARLIER), ...newest];
    makePattern();
  }
}

function makePattern(): void {
  const forms = new Set<string>();
  for (const text of [...lasting, ...[...lists].flatMap(({ texts }) => texts)]) {
    if (text.length < MIN_SECRET_LENGTH) continue;
    // A line of the log is JSON, and may quote an object that is JSON itself, which may quote a text.
    const once = inJson(text);
    for (const form of [text, once, inJson(once), inJson(inJson(once)), encodeURIComponent(text.toWellFormed())])
      forms.add(form);
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  secretPattern = forms.size > 0 ? new RegExp(longestFirst.map(literally).join('|'), 'g') : undefined;
}

/** A text without configured secrets and likely credentials; JSON stays valid. */
export function redact(text: string): string {
  let redacted = secretPattern ? text.replace(secretPattern, REDACTED) : text;
  for (const [pattern, replacement] of patterns) redacted = redacted.replace(pattern, replacement);
  return redactKeys(redacted);
}

/** Whether a text has a key of ours in it, right or wrong. */
export function holdsKey(text: string): boolean {
  return redactKeys(text) !== text;
}

function redactKeys(text: string): string {
  // Looked for first, since hardly a line has one.
  if (!text.includes('ak_') && !text.includes('ak%5')) return text;
  return keyPatterns.reduce((redacted, pattern) => redacted.replace(pattern, `ak$1${REDACTED}`), text);
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
