// The wire of the Messages API, as `@anthropic-ai/sdk` (1.10.0) declares it, as far as it is spoken here.

/** Why a message ended. */
export type StopReason = 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal';

/** A block of what the model says. */
export type SaidBlock =
  | { type: 'text'; text: string; citations: null }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown; caller: { type: 'direct' } };

/** Tokens of a message; input tokens are those that no cache has. */
export interface MessageUsage {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  output_tokens: number;
  output_tokens_details: { thinking_tokens: number } | null;
  /** Searches of the web that this server has made, where there were any. */
  server_tool_use: { web_search_requests: number; web_fetch_requests: number } | null;
}

/** Why and how a message ended. */
export interface MessageEnd {
  stop_reason: StopReason | null;
  stop_sequence: string | null;
  stop_details: { type: 'refusal'; category: null; explanation: null } | null;
  container: null;
}

/** What `POST /v1/messages` answers. */
export interface SaidMessage extends MessageEnd {
  id: string;
  type: 'message';
  role: 'assistant';
  model: string;
  content: SaidBlock[];
  usage: MessageUsage & {
    cache_creation: null;
    inference_geo: null;
    service_tier: 'standard' | 'priority' | null;
    speed: null;
  };
  diagnostics: null;
}

/** A block grows. */
export type BlockDelta =
  | { type: 'text_delta'; text: string }
  | { type: 'input_json_delta'; partial_json: string }
  | { type: 'thinking_delta'; thinking: string }
  | { type: 'signature_delta'; signature: string };

/** The body of an error, in a reply or in a stream. */
export interface MessagesErrorBody {
  type: 'error';
  error: { type: string; message: string; details?: object };
  request_id: string;
}

/** An event of a stream. */
export type MessagesEvent =
  | { type: 'message_start'; message: SaidMessage }
  | { type: 'content_block_start'; index: number; content_block: SaidBlock }
  | { type: 'content_block_delta'; index: number; delta: BlockDelta }
  | { type: 'content_block_stop'; index: number }
  | { type: 'message_delta'; delta: MessageEnd; usage: MessageUsage }
  | { type: 'message_stop' }
  | { type: 'ping' }
  | MessagesErrorBody;

/** What is sent in a long silence. */
export const PING = 'event: ping\ndata: {"type": "ping"}\n\n';
