import { ApiError } from './errors.ts';
import type { InputItem } from './items/input.ts';
import type { Item } from './items/item.ts';
import { type MediaUrl, urlsOf } from './items/media.ts';
import { mediaOf } from './items/views.ts';
import { matcher } from './pattern.ts';
import type { InputPart } from './protocol/content.ts';

/** Media URLs that model servers may be asked to fetch: schemes, and hosts as patterns with `*`. */
export interface MediaRules {
  schemes: readonly string[];
  hosts: readonly string[];
}

/** A forbidden media URL: the index of its item or part, its member there, and the reason, to follow a field's name. */
export interface WrongMedia {
  index: number;
  member: string;
  why: string;
}

/** Finds the first forbidden URL in items or parts. */
export type FindMedia = (among: readonly (InputItem | Item | InputPart)[]) => WrongMedia | undefined;

/** What finds the URLs that these rules forbid. A `data:` URL has no host. */
export function mediaFinder({ schemes, hosts }: MediaRules): FindMedia {
  const anyHost = hosts.includes('*');
  const matches = hosts.map(matcher);
  const whyNot = (url: string): string | undefined => {
    const scheme = /^([a-z][a-z\d+.-]*):/i.exec(url)?.[1]?.toLowerCase();
    if (!scheme || !schemes.includes(scheme))
      return `must be a URL of one of these schemes: ${schemes.join(', ')} (\`media.schemes\` in the configuration)`;
    if (anyHost || scheme === 'data') return undefined;
    const host = hostOf(url);
    if (host !== undefined && matches.some((isMatch) => isMatch(host))) return undefined;
    return 'must be a URL of a host that this server allows (`media.hosts` in its configuration); the content itself can be sent as a data: URL';
  };
  return (among) => {
    for (const [index, one] of among.entries()) {
      for (const [member, url] of urlsIn(one)) {
        const why = whyNot(url);
        if (why) return { index, member, why };
      }
    }
    return undefined;
  };
}

/** Throws an ApiError, 422, for a forbidden URL; `nameOf` names its index in the request. */
export function refuseMedia(wrong: WrongMedia | undefined, nameOf: (index: number) => string): void {
  if (!wrong) return;
  const param = `${nameOf(wrong.index)}.${wrong.member}`;
  throw new ApiError('invalid_value', `${param} ${wrong.why}`, { param });
}

/**
 * The host of a URL, if it is written plainly. A repaired URL (a backslash, an address in another form) may have
 * another host for the server that fetches it.
 */
function hostOf(url: string): string | undefined {
  const host = /^[^:]+:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?([/?#]|$)/i.exec(url)?.[1]?.toLowerCase();
  return host !== undefined && URL.canParse(url) && new URL(url).hostname.toLowerCase() === host ? host : undefined;
}

function urlsIn(one: InputItem | Item | InputPart): Iterable<MediaUrl> {
  if (one.type === 'input_text' || one.type === 'input_image' || one.type === 'input_file') return urlsOf(one);
  // References hold no URLs.
  return one.type === 'item_reference' || one.type === 'compaction_trigger' ? [] : mediaOf(one);
}
