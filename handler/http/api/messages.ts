import type { Context } from 'hono';
import { toApiError } from '../../errors.ts';
import { asEnded } from '../../hooks/as-ended.ts';
import { requireVersion, VERSION_HEADER, VERSIONS } from '../../neighbours/messages/errors.ts';
import { type MessagesEvent, PING } from '../../neighbours/messages/events.ts';
import { MessageFold } from '../../neighbours/messages/fold.ts';
import { messageEvents } from '../../neighbours/messages/message-events.ts';
import { MessageReply } from '../../neighbours/messages/reply.ts';
import { MessagesCount, MessagesCreate } from '../../neighbours/messages/request.ts';
import { type TranslatedMessages, translateMessages } from '../../neighbours/messages/translate.ts';
import { isSealed } from '../../seal.ts';
import type { RequestContext } from '../../service/context.ts';
import { countInput } from '../../service/count.ts';
import { createResponse } from '../../service/create.ts';
import type { EventFeed } from '../../service/feed.ts';
import { checkLengths } from '../../service/lengths.ts';
import { openCall } from '../../service/sealed.ts';
import type { Services } from '../../service/services.ts';
import { usedTokens } from '../../service/used-tokens.ts';
import type { Env } from '../env.ts';
import { sendJson, setHeaders } from '../reply.ts';
import { json, type Route, route } from '../route.ts';
import { sendEvents } from '../stream.ts';

const HEADERS = {
  [VERSION_HEADER]: {
    description: 'the version of the API that the client speaks',
    schema: { type: 'string', enum: VERSIONS },
    required: true,
  },
};

/** Anthropic's Messages API: a message is a turn that is not stored. */
export const messages: Route[] = [
  route({
    method: 'POST',
    path: '/v1/messages',
    operationId: 'createMessage',
    summary: 'Create a message',
    request: { headers: HEADERS, body: MessagesCreate },
    reply: { 'application/json': 'Message', 'text/event-stream': 'MessageEvent' },
    error: 'MessagesError',
    async handle({ c, services, ctx, body }) {
      const translated = await translate(c, services, ctx, body);
      const { shown, inItsTerms } = translated;
      const { feed } = await inTerms(translated, () => createResponse(services, ctx, translated.create));
      if (!feed) throw new Error('a turn that is not stored has a feed');
      const { log } = ctx;
      const reply = new MessageReply({
        shown,
        isStream: body.stream === true,
        stopped: () => log.turn?.stopped,
        tokens: () => usedTokens(log),
      });
      const said = body.stream ? feed.events : asEnded(services.hooks, feed.events);
      const events = messageEvents(said, reply, { inItsTerms, requestId: log.requestId });
      const own = { ...feed, events };
      if (body.stream) return sendEvents(c, own, services.limits.keepAlive, { sign: PING, end: '' });
      try {
        return sendJson(c, await wholeOf(own));
      } finally {
        setHeaders(c, feed.rateLimits?.());
      }
    },
  }),
  route({
    method: 'POST',
    path: '/v1/messages/count_tokens',
    operationId: 'countMessageTokens',
    summary: "Count a message's tokens",
    request: { headers: HEADERS, body: MessagesCount },
    reply: json('MessageTokens'),
    error: 'MessagesError',
    async handle({ c, services, ctx, body }) {
      const translated = await translate(c, services, ctx, body);
      const input_tokens = await inTerms(translated, () => countInput(services, ctx, translated.create));
      return c.json({ input_tokens });
    },
  }),
];

async function translate(
  c: Context<Env>,
  services: Services,
  { store }: RequestContext,
  body: Parameters<typeof translateMessages>[0],
): Promise<TranslatedMessages> {
  requireVersion(c.req.header(VERSION_HEADER));
  const seal = services.seal(store.tenant);
  const translated = await translateMessages(body, async (sealed) =>
    isSealed(sealed) ? ((await seal.open('reasoning', sealed)) ?? openCall(seal, sealed)) : null,
  );
  const { create } = translated;
  await inTerms(translated, async () => checkLengths({ ...create }, services.limits));
  return translated;
}

/** Runs something whose errors name fields as the Responses API does. */
async function inTerms<T>({ inItsTerms }: TranslatedMessages, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw inItsTerms(toApiError(error));
  }
}

/** Runs the events to their end, and gives the message that they make; throws what made it fail. */
async function wholeOf({ events, countBytes, ended }: EventFeed<MessagesEvent>): Promise<unknown> {
  const fold = new MessageFold();
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) {
        if (next.value) throw next.value;
        return fold.message;
      }
      fold.add(next.value);
      if (next.value.type === 'content_block_delta') countBytes(lengthOf(next.value.delta));
    }
  } finally {
    ended();
  }
}

function lengthOf(delta: Extract<MessagesEvent, { type: 'content_block_delta' }>['delta']): number {
  switch (delta.type) {
    case 'text_delta':
      return delta.text.length;
    case 'thinking_delta':
      return delta.thinking.length;
    case 'input_json_delta':
      return delta.partial_json.length;
    case 'signature_delta':
      return delta.signature.length;
  }
}
