import * as v from 'valibot';
import { maybe } from './fields.ts';
import { CreateRequest } from './request.ts';

/**
 * The body of `POST /v1/responses/input_tokens`: what of a create shapes its model call. The rest of a create is unknown
 * here, and dropped.
 */
export const CountRequest = v.object({
  ...v.pick(CreateRequest, [
    'model',
    'input',
    'instructions',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'text',
    'reasoning',
    'truncation',
    'max_output_tokens',
    'previous_response_id',
    'conversation',
    'prompt',
  ]).entries,
  personality: maybe(v.pipe(v.string(), v.maxLength(64))),
});
export type CountRequest = v.InferOutput<typeof CountRequest>;

/** What `POST /v1/responses/input_tokens` answers. */
export interface InputTokens {
  object: 'response.input_tokens';
  input_tokens: number;
}
