import { CountRequest, type InputTokens } from '../../protocol/count-request.ts';
import { countInput } from '../../service/count.ts';
import { json, type Route, route } from '../route.ts';

/** Counting tokens. */
export const inputTokens: Route[] = [
  route({
    method: 'POST',
    path: '/v1/responses/input_tokens',
    operationId: 'countInputTokens',
    summary: 'Count input tokens',
    request: { body: CountRequest, create: true },
    reply: json('InputTokens'),
    async handle({ c, services, ctx, body }) {
      const input_tokens = await countInput(services, ctx, body);
      return c.json<InputTokens>({ object: 'response.input_tokens', input_tokens });
    },
  }),
];
