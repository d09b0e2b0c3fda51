import { readFileSync, writeFileSync } from 'node:fs';
import { type MetricName, metrics } from '../../handler/telemetry/metrics.ts';
import { genAI, own, sources, stable } from '../../handler/telemetry/names.ts';

const PAGE = new URL('../../docs/telemetry.md', import.meta.url);

/** The lines between which the page is made of the tables of names. */
const [BEGIN, END] = [
  '<!-- Made of handler/telemetry/names.ts and metrics.ts by `node test/support/telemetry-page.ts`; do not edit. -->',
  '<!-- Until here. -->',
];

/** docs/telemetry.md as the tables have it: what is written by hand stays. */
export function telemetryPage(): string {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest = ''] = page.split(BEGIN);
  const [, after = ''] = rest.split(END);
  return `${before}${BEGIN}\n\n${tables()}\n${END}${after}`;
}

function tables(): string {
  const rows = Object.values<MetricName>(metrics).map(({ name, kind, unit, says, by, source }) => {
    const labels = by.length > 0 ? by.map((label) => `\`${label}\``).join(', ') : '';
    return `| \`${name}\` | \`${prometheusName({ name, kind })}\` | ${says} | ${unit} | ${labels} | ${source} |`;
  });
  const attributes = Object.entries({ genAI, 'stable ones': stable, own }).map(
    ([source, names]) =>
      `- ${source}: ${Object.values(names)
        .map((name) => `\`${name}\``)
        .join(', ')}`,
  );
  const links = Object.entries(sources).map(
    ([name, url]) => `- ${name}: ${url === 'docs/telemetry.md' ? 'this page' : `<${url}>`}`,
  );
  return `### Metrics

| name | in Prometheus | what is measured | unit | labels | from |
|---|---|---|---|---|---|
${rows.join('\n')}

### Attributes of spans

${attributes.join('\n')}

### Sources

${links.join('\n')}
`;
}

/** The name that the exporter for Prometheus gives a metric; a histogram's series end with \`_bucket\`, \`_sum\` and \`_count\`. */
export function prometheusName({ name, kind }: Pick<MetricName, 'name' | 'kind'>): string {
  const isCounter = kind === 'counter' || kind === 'observedCounter';
  return `${name.replace(/\./g, '_')}${isCounter ? '_total' : ''}`;
}

if (import.meta.main) writeFileSync(PAGE, telemetryPage());
