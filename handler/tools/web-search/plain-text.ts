const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** A short text of a provider without its tags, and with the characters that its entities name. */
export function plainText(html: unknown): string {
  return typeof html === 'string' ? decodeEntities(html.replace(/<\/?[a-z][^<>]{0,200}>/gi, '')) : '';
}

/** A text with the characters that its entities name. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,6}));/gi, (written, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : undefined;
    if (code !== undefined) return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : written;
    return ENTITIES[name.toLowerCase()] ?? written;
  });
}
