/** A sample: its name, and its labels if it has some. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{?)/;

/** Metrics in Prometheus' text format, of several processes by their numbers, as one text: each sample gets the label `process`. */
export function mergeMetrics(texts: ReadonlyMap<number, string>): string {
  const families = new Map<string, { comments: Set<string>; samples: string[] }>();
  for (const [number, text] of texts) {
    let family = '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const [, comment] = /^# (?:HELP|TYPE|UNIT) (\S+)/.exec(line) ?? [];
      if (comment !== undefined) family = comment;
      const at = families.get(family) ?? { comments: new Set(), samples: [] };
      families.set(family, at);
      if (line.startsWith('#')) at.comments.add(line);
      else at.samples.push(line.replace(SAMPLE, (_, name, open) => `${name}{process="${number}"${open ? ',' : '}'}`));
    }
  }
  return [...families.values()].flatMap(({ comments, samples }) => [...comments, ...samples, '']).join('\n');
}
