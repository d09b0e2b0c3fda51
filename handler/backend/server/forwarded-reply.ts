import { ByteList, join } from '../../byte-list.ts';
import { ApiError } from '../../errors.ts';
import type { Upstream } from '../../transport.ts';
import type { ForwardedApi, ForwardedEvent, ForwardedPart, ForwardOptions } from '../backend.ts';
import { EventBlocks } from './event-blocks.ts';
import { connectionFailed, failureInStream, garbled } from './failure.ts';
import { type EventRules, ForwardedEvents } from './forwarded-events.ts';
import { readForwardedJson } from './forwarded-json.ts';
import { rateLimitsIn } from './rate-limits.ts';

const ALIVE = { type: 'keep_alive' } as const;

/** A reply as it is read. */
interface ReadReply {
  api: ForwardedApi;
  rules: EventRules;
}

/**
 * Opens a reply at the first pull and passes it on: events as they come, JSON as a whole, so that until its end another server can be
 * asked, and anything else in the pieces in which it comes. Throws an ApiError if it fails.
 */
export async function* readForwarded(
  open: () => Promise<Upstream>,
  reply: ReadReply,
  { answered, arrived }: ForwardOptions,
): AsyncGenerator<ForwardedEvent, void> {
  try {
    const upstream = await open();
    answered?.(rateLimitsIn(upstream));
    const media = mediaOf(upstream);
    if (/^text\/event-stream/i.test(media)) yield* readEvents(upstream, media, reply);
    else if (reply.api.isJson || /^application\/json/i.test(media)) yield* readWhole(upstream, media, reply, arrived);
    else yield* readBytes(upstream, media);
  } catch (error) {
    throw error instanceof ApiError ? error : connectionFailed(error);
  }
}

function mediaOf({ header }: Upstream): string {
  const media = header('content-type') ?? '';
  return /^[\w.+-]+\/[\w.+-]+(\s*;[\x20-\x7e]*)?$/.test(media) ? media : 'application/octet-stream';
}

async function* readEvents(
  { body }: Upstream,
  media: string,
  { api, rules }: ReadReply,
): AsyncGenerator<ForwardedEvent, void> {
  const blocks = new EventBlocks();
  const events = new ForwardedEvents(rules);
  let hasWord = false;
  const partOf = (block: Uint8Array): { part: ForwardedPart; failure: ApiError | undefined } => {
    const { failure, ...passed } = events.pass(block);
    return { part: { type: 'part', media, isWhole: false, ...passed }, failure };
  };
  for await (const chunk of body) {
    const block = blocks.add(chunk);
    const { part, failure } = block ? partOf(block) : {};
    // Comments are no word.
    hasWord ||= part !== undefined && part.bytes.length > 0 && part.deltas > (failure ? 1 : 0);
    yield part && hasWord ? part : ALIVE;
    if (failure) throw failure;
  }
  const rest = blocks.end();
  const { part, failure } = rest ? partOf(rest) : {};
  if (failure) throw failure;
  if (part && (hasWord || part.deltas > 0)) yield part;
  if (api.countsStreams && !events.hasEnded)
    throw new ApiError('server', 'The model backend ended its stream before the model was done.');
}

async function* readWhole(
  { body }: Upstream,
  media: string,
  { rules: { named, fields } }: ReadReply,
  arrived: ForwardOptions['arrived'],
): AsyncGenerator<ForwardedEvent, void> {
  const chunks = new ByteList();
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    arrived(chunk.length);
    chunks.add(chunk);
    yield ALIVE;
  }
  const bytes = join(chunks.end(), size);
  const text = new TextDecoder().decode(bytes);
  if (!/^\s*[[{]/.test(text) || !/[\]}]$/.test(text.trimEnd().slice(-1))) throw garbled('a reply that is no JSON');
  const read = readForwardedJson(text, named);
  if (read.error !== undefined) throw failureInStream(read.error, fields);
  const passed = read.text === text ? bytes : new TextEncoder().encode(read.text);
  const { usage, served, finish } = read;
  yield { type: 'part', media, isWhole: true, bytes: passed, deltas: 0, usage, served, finish };
}

async function* readBytes({ body }: Upstream, media: string): AsyncGenerator<ForwardedEvent, void> {
  const plain = { type: 'part', media, isWhole: false, deltas: 0, usage: null, served: '', finish: '' } as const;
  for await (const bytes of body) if (bytes.length > 0) yield { ...plain, bytes };
}
