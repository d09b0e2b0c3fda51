import { HOP_HEADER } from '../backend/index.ts';
import { didYouMean } from '../nearest.ts';
import { callerNames } from '../request-values.ts';

/** Headers of clients that no other server gets: their credentials here. */
const SECRET = ['authorization', 'proxy-authorization', 'x-api-key', 'cookie', HOP_HEADER];

const PLACES = '`send.set` and `send.headers` of an entry of `models`';

/** A `${…}` that stands for something of a request, or seems to; `problem` says what is wrong with it, and its cure. */
export interface Reference {
  problem?: string;
}

/**
 * What `${name}` or `${name:…}` (`header` has the colon) is at a place of the configuration; undefined where it is a variable of the
 * environment, or nothing.
 */
export function referenceAt(path: readonly string[], name: string, header: string | undefined): Reference | undefined {
  if (isInFunction(path) && header === undefined) return callerNames.some((known) => known === name) ? {} : undefined;
  if (!isInRules(path)) {
    if (name !== 'header' || header === undefined) return undefined;
    return { problem: `has \${header${header}}, which is known in ${PLACES} only` };
  }
  if (header === undefined) return callerNames.some((known) => known === name) ? {} : undefined;
  if (name !== 'header') {
    const near = didYouMean(name, ['header']);
    return {
      problem: `has \${${name}${header}}, which is nothing that is known${near || `: a client's header is \${header:NAME}`}`,
    };
  }
  const named = header.slice(1);
  if (!/^[\w!#$%&*+.^|~-]{1,128}$/.test(named))
    return { problem: `has \${header${header}}, which must name a header, such as \${header:x-team}` };
  if (SECRET.includes(named.toLowerCase()))
    return { problem: `has \${header${header}}, which is the client's credential here: no other server gets that` };
  return {};
}

/** Whether a place is a header of a function, which may say who calls. */
function isInFunction([key, , http, member]: readonly string[]): boolean {
  return key === 'tools' && http === 'http' && member === 'headers';
}

/** Whether a place is in the rules of requests. */
function isInRules(path: readonly string[]): boolean {
  const at = path.indexOf('send');
  return path[0] === 'models' && at > 0 && (path[at + 1] === 'set' || path[at + 1] === 'headers');
}

/** What to say of a variable that is not set: the name that was probably meant, of those that may stand there. */
export function hintAt(path: readonly string[], name: string, variables: readonly string[]): string {
  if (isInRules(path) || isInFunction(path)) return didYouMean(name, [...callerNames, ...variables]);
  if (!callerNames.some((known) => known === name)) return didYouMean(name, variables);
  return `; what the caller has of that name is known in ${PLACES}, and in headers of \`tools\`, only`;
}
