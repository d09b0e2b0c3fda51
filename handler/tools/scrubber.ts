/** The shortest secret that is looked for, in characters: shorter ones occur in other words. */
const MIN_SECRET = 6;

/** Takes credentials out of what a server says, which may have repeated them. */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const found = [...new Set(secrets)].filter(({ length }) => length >= MIN_SECRET).sort((a, b) => b.length - a.length);
  return (text) => found.reduce((rest, secret) => rest.replaceAll(secret, '<redacted>'), text);
}
