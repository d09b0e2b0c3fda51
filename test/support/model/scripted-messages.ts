import type { Json } from '../accumulate.ts';
import type { Script } from './scripted.ts';
import { encoded } from './scripted-responses.ts';

/** A block that a scripted server of the Messages API says; `input` is JSON as the model writes it. */
export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: string };

/** How a scripted message ends. */
export interface MessageEnding {
  stop_reason?: string;
  usage?: object;
}

/** The events of a whole message, in Anthropic's order, a ping among them. */
export function messageEvents(blocks: readonly Block[], ending: MessageEnding = {}): Json[] {
  const calls = blocks.some(({ type }) => type === 'tool_use');
  const { stop_reason = calls ? 'tool_use' : 'end_turn', usage = { output_tokens: 7 } } = ending;
  const message = { id: 'msg_up', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null };
  return [
    { type: 'message_start', message: { ...message, usage: { input_tokens: 11, output_tokens: 1 } } },
    { type: 'ping' },
    ...blocks.flatMap((block, index) => blockEvents(block).map((event) => ({ ...event, index }))),
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

/** A script that sends events, each in a write of its own, and ends the reply. */
export function sendsMessage(events: readonly Json[]): Script {
  return async (turn) => {
    for (const event of events) await turn.raw(encoded(event));
    turn.end();
  };
}

/** A script that says these blocks and ends well. */
export function tells(...blocks: Block[]): Script {
  return sendsMessage(messageEvents(blocks));
}

/** A block of text. */
export function text(words: string): Block {
  return { type: 'text', text: words };
}

/** The bytes of a message that says a text, up to a piece of it, and from there on. */
export function halves(words: string, piece: string): [string, string] {
  const events = messageEvents([text(words)]);
  const at = events.findIndex(({ delta }) => delta?.text === piece);
  return [events.slice(0, at).map(encoded).join(''), events.slice(at).map(encoded).join('')];
}

/** The body of an error as the API has it. */
export function errorOf(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_1' };
}

function blockEvents(block: Block): Json[] {
  const delta = (members: object) => ({ type: 'content_block_delta', delta: members });
  const stop = { type: 'content_block_stop' };
  const start = (members: object) => ({ type: 'content_block_start', content_block: members });
  switch (block.type) {
    case 'text':
      return [
        start({ type: 'text', text: '' }),
        ...pieces(block.text).map((piece) => delta({ type: 'text_delta', text: piece })),
        stop,
      ];
    case 'thinking':
      return [
        start({ type: 'thinking', thinking: '', signature: '' }),
        ...pieces(block.thinking).map((piece) => delta({ type: 'thinking_delta', thinking: piece })),
        delta({ type: 'signature_delta', signature: block.signature }),
        stop,
      ];
    case 'redacted_thinking':
      return [start(block), stop];
    case 'tool_use':
      return [
        start({ ...block, input: {} }),
        ...['', ...pieces(block.input)].map((piece) => delta({ type: 'input_json_delta', partial_json: piece })),
        stop,
      ];
  }
}

/** A text in as many pieces as it has words. */
function pieces(whole: string): string[] {
  return whole.match(/\s*\S+|\s+$/g) ?? [];
}
