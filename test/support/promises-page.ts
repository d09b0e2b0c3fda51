import { readFileSync, writeFileSync } from 'node:fs';
import '../promises/all.ts';
import { registered } from '../promises/promise.ts';

const PAGE = new URL('../../docs/promises.md', import.meta.url);

const HEAD = `# What is promised

Each promise has a test in \`test/promises/\` that runs through every door: in process, over HTTP on Node, through Envoy in each of
its modes, and on Workers, Deno and Bun. A door that cannot show one says why, in that test. This page is made of the tests by
\`node test/support/promises-page.ts\`, and \`npm run check\` compares the two, so that no promise goes silently.
`;

/** The page: a table for each area, which is what an id begins with. */
function promisesPage(): string {
  const areas = Map.groupBy(registered, ({ id }) => id.slice(0, id.indexOf('.')));
  const tables = [...areas]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([area, promises]) => {
      const rows = promises
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, says, source }) => `| \`${id}\` | ${cell(says)} | ${cell(source)} |`);
      return `\n## ${area}\n\n| promise | says | source |\n|---|---|---|\n${rows.join('\n')}\n`;
    });
  return HEAD + tables.join('');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

if (!process.argv.includes('--check')) writeFileSync(PAGE, promisesPage());
else if (readFileSync(PAGE, 'utf8') !== promisesPage()) {
  process.stderr.write('docs/promises.md differs from the tests: run node test/support/promises-page.ts\n');
  process.exitCode = 1;
}
process.exit();
