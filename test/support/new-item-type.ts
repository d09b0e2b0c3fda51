import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder } from './folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADDED = join(ROOT, 'test/fixtures/new-item-type');

/**
 * A copy of the handler to which someone has added a tool with a type of item of its own: `items/weather.ts`,
 * `tools/weather.ts`, and the line in `items/index.ts`. Gives its folder, which goes with the process.
 */
export async function handlerWithWeather(): Promise<string> {
  const dir = newFolder();
  const handler = join(dir, 'handler');
  await cp(join(ROOT, 'handler'), handler, { recursive: true });
  for (const name of ['package.json', 'tsconfig.json']) await cp(join(ROOT, name), join(dir, name));
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  await cp(ADDED, handler, { recursive: true });
  const table = join(handler, 'items/index.ts');
  const text = await readFile(table, 'utf8');
  const more = text.replace('export const kinds = {\n', (line) => `${line}  weather_call,\n`);
  if (more === text) throw new Error('the table of items does not begin as it did');
  await writeFile(table, `import { weather_call } from './weather.ts';\n${more}`);
  return handler;
}
