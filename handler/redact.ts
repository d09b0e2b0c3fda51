/** The replacement of a secret. */
const REDACTED = '[redacted]';

/** The shortest secret, in characters: placeholders such as `EMPTY` and `none` occur in other words. */
const MIN_SECRET_LENGTH = 6;

/** Patterns of credentials, and their replacements. */
const patterns: [RegExp, string][] = [
  [/\b(Bearer|Basic)(\s+|%20)[^\s"'\\,;]{6,}/gi, `$1 ${REDACTED}`],
  [/(?<![A-Za-z\d])sk-[\w*.-]{6,}/g, REDACTED],
  // A user and a password in a URL, and its query, in which many services take keys and all presigned URLs have one.
  [/(:\/\/)[^\s/?#"'\\]*@/g, `$1${REDACTED}@`],
  [/(:\/\/(?:[^\s?#"'\\:]|:(?!\/\/))*\?)[^\s"'\\]+/g, `$1${REDACTED}`],
];

const secrets = new Set<string>();
let secretPattern: RegExp | undefined;

/**
 * Makes `redact` remove these texts from now on, also in their JSON and URL encodings. Texts below 6 characters are
 * ignored.
 */
export function keepSecret(...texts: readonly (string | undefined)[]): void {
  for (const text of texts) {
    if (text === undefined || text.length < MIN_SECRET_LENGTH) continue;
    // A line of the log is JSON, and may quote an object that is JSON itself, which may quote a text.
    const once = inJson(text);
    for (const form of [text, once, inJson(once), inJson(inJson(once)), encodeURIComponent(text.toWellFormed())])
      secrets.add(form);
  }
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  secretPattern = secrets.size > 0 ? new RegExp(longestFirst.map(literally).join('|'), 'g') : undefined;
}

/** A text without configured secrets and likely credentials; JSON stays valid. */
export function redact(text: string): string {
  let redacted = secretPattern ? text.replace(secretPattern, REDACTED) : text;
  for (const [pattern, replacement] of patterns) redacted = redacted.replace(pattern, replacement);
  return redacted;
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
