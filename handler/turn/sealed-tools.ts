import { ApiError } from '../errors.ts';
import { isObject } from '../protocol/json.ts';
import type { Seal } from '../seal.ts';
import type { ServerTools } from './tools.ts';

type Entry = { type: string; [key: string]: unknown };

/** The member of a kept entry that has its credentials. */
const SEALED = 'sealed_credentials';

/** The tools of a request as a job keeps them: the credentials of those that this server runs are sealed. */
export async function sealTools<T extends Entry>(
  tools: readonly T[],
  { registered }: ServerTools,
  seal: Seal,
): Promise<T[]> {
  return Promise.all(
    tools.map(async (entry) => {
      const { credentials = [] } = registered.get(entry.type) ?? {};
      const kept: Entry = { ...entry };
      const secret: Record<string, unknown> = {};
      for (const name of credentials) {
        if (kept[name] == null) continue;
        secret[name] = kept[name];
        delete kept[name];
      }
      if (credentials.length > 0) delete kept[SEALED]; // it is nobody else's
      if (Object.keys(secret).length === 0) return kept as T; // without what it may leave out
      return { ...kept, [SEALED]: await seal.seal('credentials', JSON.stringify(secret)) } as unknown as T; // as it is opened again
    }),
  );
}

/** A request that was kept, with its tools as they were. Throws an ApiError where no secret opens what was sealed. */
export async function openSealed<R extends { tools?: Entry[] | null | undefined }>(
  request: R,
  { registered }: ServerTools,
  seal: Seal,
): Promise<R> {
  if (!request.tools) return request;
  const tools = request.tools.map(async ({ [SEALED]: sealed, ...entry }): Promise<Entry> => {
    if (typeof sealed !== 'string' || !registered.get(entry.type)?.credentials) return entry;
    const text = await seal.open('credentials', sealed);
    const secret: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isObject(secret)) throw new ApiError('server', 'The credentials of a tool can be read no more.');
    return { ...entry, ...secret };
  });
  return { ...request, tools: await Promise.all(tools) };
}
