import { compact } from './api/compact.ts';
import { conversations } from './api/conversations.ts';
import { documents } from './api/documents.ts';
import { forwarded } from './api/forwarded.ts';
import { inputTokens } from './api/input-tokens.ts';
import { messages } from './api/messages.ts';
import { models } from './api/models.ts';
import { health, probes } from './api/probes.ts';
import { responses } from './api/responses.ts';
import { stored } from './api/stored.ts';
import { usage } from './api/usage.ts';
import type { Route } from './route.ts';

/** All routes. The first match answers, so a path with a parameter comes after the paths it would match. */
export const routes: readonly Route[] = [
  ...responses,
  ...compact,
  ...inputTokens,
  ...stored,
  ...conversations,
  ...messages,
  ...forwarded,
  ...models,
  ...usage,
  ...probes,
  ...health,
  ...documents(() => routes),
];
