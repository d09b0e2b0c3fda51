import { type ApiError, toApiError } from '../../errors.ts';
import type { ResponseEvent } from '../../events/events.ts';
import { messagesError } from './errors.ts';
import type { MessagesEvent } from './events.ts';
import type { MessageReply } from './reply.ts';

/**
 * The events of a message by those of a response. A turn that fails ends with an `error`, as Anthropic's streams do: it has no
 * `message_stop` then. Returns what made it fail.
 */
export async function* messageEvents(
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>,
  reply: MessageReply,
  { inItsTerms, requestId }: { inItsTerms(error: ApiError): ApiError; requestId: string },
): AsyncGenerator<MessagesEvent, ApiError | undefined> {
  for (;;) {
    const next = await events.next();
    if (!next.done) {
      for (const event of reply.add(next.value)) yield event;
      continue;
    }
    const failure = next.value && inItsTerms(toApiError(next.value));
    if (failure) yield messagesError(failure, requestId).body;
    return failure;
  }
}
