import { newId } from '../ids.ts';
import type { InputImage, OutputText } from '../protocol/content.ts';
import type { InputItem, InputMessage, Item, McpError, Message } from '../protocol/items.ts';

/** What a client sent as an item, in the form in which it is kept: with an id and a status, content as parts, no nulls. */
export function toItem(input: InputItem): Item {
  switch (input.type) {
    case 'message':
      return toMessage(input);
    case 'function_call': {
      const { id, call_id, name, arguments: text, status } = input;
      return {
        type: 'function_call',
        id: id || newId('fc'),
        call_id,
        name,
        arguments: text,
        status: status ?? 'completed',
      };
    }
    case 'function_call_output': {
      const { id, call_id, output, status } = input;
      const whole =
        typeof output === 'string'
          ? output
          : output.map((part) => (part.type === 'input_image' ? toImage(part) : part));
      return {
        type: 'function_call_output',
        id: id || newId('fco'),
        call_id,
        output: whole,
        status: status ?? 'completed',
      };
    }
    case 'reasoning': {
      const { id, summary, content, encrypted_content, status } = input;
      return {
        type: 'reasoning',
        id: id || newId('rs'),
        summary: summary ?? [],
        content: content ?? [],
        ...(encrypted_content != null && { encrypted_content }),
        status: status ?? 'completed',
      };
    }
    case 'mcp_call': {
      const { id, output, error, status } = input;
      return {
        ...input,
        id: id || newId('mcp'),
        output: output ?? null,
        error: (error ?? null) as McpError | null, // handed back as the client had it from us
        status: status ?? 'completed',
      };
    }
  }
}

function toMessage({ id, role, content, status, phase }: InputMessage): Message {
  const parts = typeof content === 'string' ? [{ type: 'input_text' as const, text: content }] : content;
  return {
    type: 'message',
    id: id || newId('msg'),
    role,
    status: status ?? 'completed',
    content: parts.map((part) => {
      if (part.type === 'input_image') return toImage(part);
      const said = part.type === 'output_text' || (part.type === 'input_text' && role === 'assistant');
      return said ? outputText(part.text) : part;
    }),
    ...(phase != null && { phase }),
  };
}

function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function toImage({ image_url, detail }: InputImage): InputImage {
  return { type: 'input_image', image_url, detail: detail ?? 'auto' };
}
