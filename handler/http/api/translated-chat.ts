import { toApiError } from '../../errors.ts';
import { asEnded } from '../../hooks/as-ended.ts';
import { hasGuards } from '../../hooks/pass-on.ts';
import {
  type ChatChunk,
  ChatChunks,
  type ChatError,
  ChatFold,
  chatChunks,
  chunkText,
} from '../../neighbours/chat/reply.ts';
import { TranslatedChat } from '../../neighbours/chat/request.ts';
import { type ChatAsCreate, chatAsCreate } from '../../neighbours/chat/translate.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { createResponse } from '../../service/create.ts';
import type { EventFeed } from '../../service/feed.ts';
import { checkLengths } from '../../service/lengths.ts';
import type { Services } from '../../service/services.ts';
import { usedTokens } from '../../service/used-tokens.ts';
import { check } from '../../validate.ts';
import { sendJson, setHeaders } from '../reply.ts';
import type { RouteCall } from '../route.ts';
import { sendEvents } from '../stream.ts';

/** The backends whose servers have another protocol, to which a chat is translated. */
const TRANSLATED: ReadonlySet<string> = new Set(['responses', 'anthropic']);

/** Whether chats with a model are turns: where its server speaks another protocol, and where hooks have to see what is read and said. */
export function isTranslated({ models, hooks }: Pick<Services, 'models' | 'hooks'>, name: string): boolean {
  if (hasGuards(hooks)) return true;
  try {
    return TRANSLATED.has(models.find(name).address.backend);
  } catch {
    return false; // whoever passes it on says that there is no such model
  }
}

/** Answers a chat by a turn that is not stored. Throws an ApiError for what cannot be carried. */
export async function answerChat(
  { c, services, ctx }: Pick<RouteCall<string, undefined, unknown>, 'c' | 'services' | 'ctx'>,
  json: JsonObject,
): Promise<Response> {
  const body = check(TranslatedChat, json);
  const chat = chatAsCreate(body);
  const { create, inItsTerms } = chat;
  const { feed } = await inTerms(chat, () => {
    checkLengths({ ...create }, services.limits);
    return createResponse(services, ctx, create);
  });
  if (!feed) throw new Error('a turn that is not stored has a feed');
  const tellsUsage = !body.stream || body.stream_options?.include_usage === true;
  const chunks = new ChatChunks(() => usedTokens(ctx.log), tellsUsage);
  const own = {
    ...feed,
    events: chatChunks(body.stream ? feed.events : asEnded(services.hooks, feed.events), chunks, {
      inItsTerms,
      errors: ctx.errors,
    }),
  };
  if (body.stream) {
    const framing = { sign: ': keep-alive\n\n', end: 'data: [DONE]\n\n', text: chunkText };
    return sendEvents(c, own, services.limits.keepAlive, framing);
  }
  try {
    return sendJson(c, await wholeOf(own));
  } finally {
    setHeaders(c, feed.rateLimits?.());
  }
}

async function inTerms<T>({ inItsTerms }: ChatAsCreate, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw inItsTerms(toApiError(error));
  }
}

/** Runs the chunks to their end, and gives the completion that they make; throws what made it fail. */
async function wholeOf({ events, countBytes, ended }: EventFeed<ChatChunk | ChatError>): Promise<object> {
  const fold = new ChatFold();
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) {
        if (next.value) throw next.value;
        return fold.whole;
      }
      if (next.value.type === 'error') continue;
      fold.add(next.value);
      for (const { delta } of next.value.choices) countBytes(lengthOf(delta));
    }
  } finally {
    ended();
  }
}

function lengthOf({ content, refusal, reasoning_content, tool_calls }: ChatChunk['choices'][number]['delta']): number {
  const said = (content ?? '') + (refusal ?? '') + (reasoning_content ?? '');
  return (tool_calls ?? []).reduce((sum, { function: fn }) => sum + fn.arguments.length, said.length);
}
