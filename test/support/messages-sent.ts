import { toRequest } from '../../handler/backend/anthropic/request.ts';
import type { ModelCall } from '../../handler/backend/backend.ts';
import { toModelFunctions } from '../../handler/backend/functions/tools.ts';
import { ApiError } from '../../handler/errors.ts';
import type { Item } from '../../handler/items/item.ts';
import type { Json } from './accumulate.ts';
import { modelCall } from './backend-contract.ts';

/** The request that a call makes. */
export function sent(members: Partial<ModelCall>): Json {
  const asked = modelCall(members);
  return JSON.parse(JSON.stringify(toRequest(asked, toModelFunctions(asked.tools, asked.params))));
}

/** The field that a call is refused for; null for one that is not. */
export function refusal(members: Partial<ModelCall>): string | null {
  try {
    sent(members);
  } catch (error) {
    return error instanceof ApiError && error.kind === 'unsupported' ? error.param : `${error}`;
  }
  return null;
}

const id = 'x_1';
const status = 'completed' as const;
/** What the model said. */
export const said = (...texts: string[]): Item => ({
  type: 'message',
  id,
  status,
  role: 'assistant',
  content: texts.map((words) => ({ type: 'output_text', text: words, annotations: [], logprobs: [] })),
});
/** What the model thought, as its server has sealed it. */
export const thinks = (encrypted_content: string | null): Item => ({
  type: 'reasoning',
  id,
  status,
  summary: [{ type: 'summary_text', text: 'Hm' }],
  content: [],
  encrypted_content,
});
/** What the user shows. */
export const shows = (...content: object[]): Item => ({ type: 'message', id, status, role: 'user', content }) as Item; // tests name parts as clients do
