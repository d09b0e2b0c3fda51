import * as v from 'valibot';
import { isOpenAIs, protocols, serverNames } from '../backend/index.ts';
import { didYouMean } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import { httpUrl } from './http-url.ts';
import type { ConfigProblem } from './problems.ts';
import { integer } from './quantity.ts';
import { secretText } from './secrets.ts';
import { membersOf, type SendConfig, send } from './send.ts';
import { sendFits } from './send-fits.ts';
import { HEADER_TEXT } from './send-headers.ts';
import { windows } from './windows.ts';

const servers = Object.keys(protocols) as (keyof typeof protocols)[]; // a table has no other keys

/** Names of the built-in backends. A root may add others. */
export const builtIn = [...servers, 'demo'] as const;

const ONLY_KNOWN = `is known to ${joinNames(
  servers.filter((name) => protocols[name].hasKnownServers),
  'and',
)} only`;

/** Names as a sentence has them: `a, b or c`. */
export function joinNames(names: readonly string[], last: 'and' | 'or'): string {
  return names.join(', ').replace(/, (?=[^,]*$)/, ` ${last} `);
}

/** The mistake of a backend that is not there, in an entry of `models`. */
export function unknownBackend(index: number, backend: string, known: readonly string[]): ConfigProblem {
  const says = `must be ${joinNames(known, 'or')}${didYouMean(backend, known)}`;
  return { path: ['models', String(index), 'backend'], says };
}

const match = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));
const context = v.optional(integer(256));

const builtInModel = v.pipe(
  v.strictObject({
    match,
    backend: v.picklist(builtIn),
    url: v.optional(httpUrl),
    key: v.optional(v.pipe(secretText, v.regex(HEADER_TEXT, 'must be one line that a header can hold'))),
    context,
    /** Whether the server is OpenAI's, or a proxy to it that its URL does not show. */
    openai: v.optional(v.boolean('must be true or false')),
    /** The server by its name, where neither its host nor its own answers tell which it is. */
    server: v.optional(v.picklist(serverNames, `must be ${joinNames(serverNames, 'or')}`)),
    /** What is sent to it, over what is known of it. */
    send: v.optional(send),
    /** Grammars of custom tools: refused, or described to the model, which is not bound by them. */
    grammars: v.optional(v.picklist(['refuse', 'describe'], 'must be refuse or describe')),
    /** What all callers together may use of its models. */
    ...windows,
  }),
  v.forward(
    v.check(
      ({ backend, url }) => (backend === 'demo') === (url === undefined),
      `is needed by ${joinNames(servers, 'and')}, and unknown to demo`,
    ),
    ['url'],
  ),
  v.forward(
    v.check(({ backend, grammars }) => grammars === undefined || backend !== 'demo', 'is unknown to demo'),
    ['grammars'],
  ),
  v.forward(
    v.check(({ backend, openai }) => openai === undefined || hasServers(backend), ONLY_KNOWN),
    ['openai'],
  ),
  v.forward(
    v.check(({ backend, server }) => server === undefined || hasServers(backend), ONLY_KNOWN),
    ['server'],
  ),
  v.forward(
    v.check(
      ({ server, openai }) => server === undefined || openai === undefined || isOpenAIs(server) === openai,
      'contradicts `openai`: leave one of them out',
    ),
    ['server'],
  ),
  v.forward(
    v.check(
      ({ backend, send }) => strangersIn(send, backend).length === 0,
      ({ input: { backend, send } }) =>
        backend === 'demo'
          ? 'is unknown to demo'
          : `has ${strangersIn(send, backend)[0]}, which ${backend} cannot do without or does not send: it may have ${joinNames(protocols[backend].members, 'and')}`,
    ),
    ['send'],
  ),
  sendFits(),
);

/** Whether the servers of the table of known ones speak a protocol. */
function hasServers(backend: (typeof builtIn)[number]): boolean {
  return backend !== 'demo' && protocols[backend].hasKnownServers;
}

/** The members that rules are about, and that the protocol does not have. */
function strangersIn(send: SendConfig | undefined, backend: (typeof builtIn)[number]): string[] {
  if (!send) return [];
  if (backend === 'demo') return ['a rule'];
  return membersOf(send).filter((name) => !protocols[backend].members.includes(name));
}

/** An entry for a backend that the root added, which checks its other keys itself. */
const addedModel = v.pipe(
  v.looseObject({ match, backend: v.string('must be a text'), context, ...windows }),
  v.transform(({ match, backend, context, limits, budgets, ...keys }) => ({
    match,
    backend,
    context,
    ...(limits && { limits }),
    ...(budgets && { budgets }),
    keys,
  })),
);

const names = new Set<unknown>(builtIn);

/** One entry of `models`. */
export const model = v.lazy<typeof builtInModel | typeof addedModel>((entry) =>
  isObject(entry) && entry.backend !== undefined && !names.has(entry.backend) ? addedModel : builtInModel,
);

/** An entry of `models`, parsed. */
export type ModelConfig = BuiltInModel | AddedModel;

/** An entry of `models` whose backend is built in. */
export type BuiltInModel = v.InferOutput<typeof builtInModel>;

/** An entry of `models` whose backend a root has added; `keys` are all of its own. */
export type AddedModel = v.InferOutput<typeof addedModel>;
