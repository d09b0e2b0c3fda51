import { EgressError, type FetchLike } from '../../../egress/egress.ts';
import { parseObject } from '../../../parse-json.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { type FoundPage, SearchFailure } from '../provider.ts';

/** A provider, and the words for what only it can have wrong. */
export interface Provider {
  name: string;
  reach: FetchLike;
  /** What a status means here and what helps, in a sentence; undefined where it means what it always does. */
  explain?(status: number): string | undefined;
}

/** The reply of a provider as an object. Rejects with a SearchFailure that names the cure, or with the signal's reason. */
export async function askProvider(
  { name, reach, explain }: Provider,
  url: URL,
  init: RequestInit & { signal: AbortSignal },
): Promise<JsonObject> {
  const { status, headers, text } = await read(name, reach, url, init);
  if (status < 200 || status > 299) throw new SearchFailure(explain?.(status) ?? whyRefused(name, status, headers));
  const reply = parseObject(text);
  if (reply) return reply;
  const type = headers.get('content-type')?.split(';')[0] || 'something';
  throw new SearchFailure(
    `${name} answered ${type} in place of JSON: \`hosted.web_search.url\` must be the address of its API.`,
  );
}

async function read(name: string, reach: FetchLike, url: URL, init: RequestInit & { signal: AbortSignal }) {
  try {
    const reply = await reach(url, init);
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  } catch (error) {
    if (init.signal.aborted) throw init.signal.reason;
    const why = error instanceof EgressError ? error.message : 'The connection failed.';
    throw new SearchFailure(`${name} cannot be asked: ${why}`, { cause: error });
  }
}

function whyRefused(name: string, status: number, headers: Headers): string {
  if (status === 401 || status === 403)
    return `${name} refuses the key (${status}): \`hosted.web_search.key\` must be one of its own.`;
  if (status === 429) {
    const seconds = Number(headers.get('retry-after'));
    const when = seconds > 0 ? `in ${Math.ceil(seconds)} s` : 'a little later';
    return `${name} takes no more searches at the moment (429): try again ${when}.`;
  }
  if (status === 404) return `${name} knows no such address (404): \`hosted.web_search.url\` must be that of its API.`;
  return status >= 500 ? `${name} failed (${status}): try again later.` : `${name} refused the search (${status}).`;
}

/** The pages of a list, where `page` says what each member is; those without an address of the web are left out. */
export function pagesIn(list: unknown, page: (found: JsonObject) => { [M in keyof FoundPage]: unknown }): FoundPage[] {
  const found = Array.isArray(list) ? list.filter(isObject) : [];
  return found.flatMap((each) => {
    const { url, title, text, date } = page(each);
    if (typeof url !== 'string' || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return [];
    const words = typeof title === 'string' && title.trim() !== '' ? title : new URL(url).hostname;
    return [
      {
        url,
        title: words,
        text: typeof text === 'string' ? text : '',
        ...(typeof date === 'string' && date !== '' && { date }),
      },
    ];
  });
}
