import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../fixtures/', import.meta.url);

/** One recorded reply. */
export interface Recording {
  status: number;
  headers: [string, string][];
  body: string;
  isStream: boolean;
}

const all = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.headers'))
  .sort()
  .map((path): [string, Recording] => [path.replace('.headers', ''), read(path)]);

/** Every recorded reply by its folder and name, but for those below; tests may add their own. */
export const recordings = new Map(all.filter(([name]) => !/^anthropic\/|\/responses-/.test(name)));

/** The recorded replies to `POST /v1/responses`, likewise. */
export const responsesRecordings = new Map(all.filter(([name]) => name.includes('/responses-')));

/** The replies of the Messages API, likewise; `test/fixtures/anthropic/README.md` says which were recorded. */
export const messagesRecordings = new Map(all.filter(([name]) => name.startsWith('anthropic/')));

function read(path: string): Recording {
  const head = readFileSync(new URL(path, FOLDER), 'utf8').trim().split(/\r?\n/);
  const [, folder = '', name = ''] = /^(.*)\/(.*)\.headers$/.exec(path) ?? [];
  const file = readdirSync(new URL(`${folder}/`, FOLDER)).find(
    (found) => found.startsWith(`${name}.`) && !found.endsWith('.headers'),
  );
  const headers = head.slice(1).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(head[0]?.split(' ')[1]),
    headers: headers.filter(([header]) => !/^(content-length|transfer-encoding|connection|date)$/.test(header)),
    body: readFileSync(new URL(`${folder}/${file}`, FOLDER), 'utf8'),
    isStream: file?.endsWith('.sse') ?? false,
  };
}
