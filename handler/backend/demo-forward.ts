import { unsupported } from '../errors.ts';
import type { ForwardedRequest, PreparedForward } from './backend.ts';
import { demoChat } from './demo-chat.ts';
import { demoEmbeddings } from './demo-embeddings.ts';

/** What the demo model does of other APIs; throws an ApiError for any other, and for what it cannot read. */
export function demoForward({ api, body, model, named = model }: ForwardedRequest): PreparedForward {
  if ('json' in body && api.path === '/embeddings') return demoEmbeddings(body.json, model, named);
  if ('json' in body && api.path === '/chat/completions') return demoChat(body.json, model, named);
  throw unsupported(
    'model',
    `is the demo model, which has no /v1${api.path}: an entry of \`models\` with \`backend: chat\` has it`,
  );
}
