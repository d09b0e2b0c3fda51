import type { Transport } from '../transport.ts';
import { anthropic } from './anthropic/index.ts';
import type { Backend } from './backend.ts';
import { chatCompletions } from './chat/index.ts';
import { responses } from './responses/index.ts';
import { SEALED } from './server/request-rules.ts';
import { openServer, type ServerOptions } from './server/server.ts';
import { HINTS } from './server/servers.ts';

export { HOP_HEADER } from './server/server.ts';
export { deploymentAt, isOpenAIs, serverAt, serverNames } from './server/servers.ts';

/** Members of every protocol. */
const SHARED = ['temperature', 'top_p', 'tool_choice'];

/** What no protocol lets the configuration set. */
const FIXED = ['model', 'stream', 'tools', 'tool_choice'];

/** A protocol that model servers speak. */
interface Protocol {
  /** Opens the backend for a server: its base URL, and the key that it is sent. */
  open(url: string, key: string | undefined, transport: Transport, options?: ServerOptions): Backend;
  /** Whether the servers of the table of known ones speak it, OpenAI's own first, so that the configuration may name one. */
  hasKnownServers: boolean;
  /** The members that the configuration may leave out, keep or rename: without the others there is no answer, or another one. */
  members: readonly string[];
  /** Members that the configuration may not set, by their paths: what the client means by a request, and what replies are read by. */
  fixed: readonly string[];
  /** The header that the key goes in. */
  keyHeader: string;
}

/** Protocols that are built in, by the name that `backend` in the configuration's `models` has for each. */
export const protocols = {
  chat: {
    open: (...server) => chatCompletions(openServer(...server)),
    hasKnownServers: true,
    members: [
      ...SHARED,
      ...['max_tokens', 'reasoning_content', 'reasoning_effort', 'verbosity', 'logprobs', 'top_logprobs'],
      ...['presence_penalty', 'frequency_penalty', 'stream_options', 'parallel_tool_calls', ...HINTS],
    ],
    fixed: [
      ...FIXED,
      ...['messages', 'stream_options.include_usage', 'response_format', 'n', 'functions', 'function_call'],
    ],
    keyHeader: 'authorization',
  },
  responses: {
    open: (...server) => responses(openServer(...server)),
    hasKnownServers: true,
    members: [
      ...SHARED,
      ...['max_output_tokens', 'reasoning', SEALED, 'include', 'store', 'response_format', 'top_logprobs'],
      ...['presence_penalty', 'frequency_penalty', 'parallel_tool_calls', ...HINTS],
    ],
    fixed: [
      ...FIXED,
      ...['input', 'instructions', 'text.format', 'response_format', 'include', 'store', 'background'],
      ...['previous_response_id', 'conversation', 'prompt'],
    ],
    keyHeader: 'authorization',
  },
  anthropic: {
    open: anthropic,
    hasKnownServers: false,
    members: [...SHARED, 'thinking', 'cache_control', 'metadata', 'service_tier'],
    fixed: [...FIXED, 'messages', 'system', 'output_config.format'],
    keyHeader: 'x-api-key',
  },
} satisfies Record<string, Protocol>;
