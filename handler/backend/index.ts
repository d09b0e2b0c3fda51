import type { Transport } from '../transport.ts';
import { anthropic } from './anthropic/index.ts';
import type { Backend } from './backend.ts';
import { chatCompletions } from './chat/index.ts';
import { responses } from './responses/index.ts';
import { openServer } from './server/server.ts';

/** A protocol that model servers speak. */
interface Protocol {
  /** Opens the backend for a server: its base URL, and the key that it is sent. */
  open(url: string, key: string | undefined, transport: Transport): Backend;
  /** Whether OpenAI's own server speaks it, so that the configuration may say that a server is OpenAI's. */
  openai: boolean;
}

/** Protocols that are built in, by the name that `backend` in the configuration's `models` has for each. */
export const protocols = {
  chat: { open: (...server) => chatCompletions(openServer(...server)), openai: true },
  responses: { open: (...server) => responses(openServer(...server)), openai: true },
  anthropic: { open: anthropic, openai: false },
} satisfies Record<string, Protocol>;
