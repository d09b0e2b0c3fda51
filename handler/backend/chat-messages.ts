import type { InputImage, InputPart } from '../protocol/content.ts';
import type { FunctionCallOutput, InputItem, InputMcpCall, InputMessage } from '../protocol/items.ts';

type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string; detail?: string } };
type ToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** A message of the Chat Completions API. */
export type ChatMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string | Part[] }
  | { role: 'assistant'; content: string | null; reasoning_content?: string; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string | Part[] };

type Assistant = Extract<ChatMessage, { role: 'assistant' }>;

/**
 * Items as chat messages. What the model said in one turn (reasoning, text, parallel calls) becomes one assistant
 * message; system messages that lead are merged, since many chat templates take only one, and only first; images that
 * functions returned follow in a user message, since tool messages carry text.
 */
export function toMessages(
  instructions: string | null,
  input: readonly InputItem[],
  withReasoning: boolean,
): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  const shown: InputImage[] = [];
  const assistant = (): Assistant => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') return last;
    const fresh: Assistant = { role: 'assistant', content: null };
    messages.push(fresh);
    return fresh;
  };
  const showImages = () => {
    if (shown.length > 0) messages.push({ role: 'user', content: shown.splice(0).map(imagePart) });
  };
  for (const item of input) {
    if (item.type !== 'function_call_output') showImages();
    switch (item.type) {
      case 'message':
        addMessage(messages, item, assistant);
        break;
      case 'reasoning': {
        const text = (item.content ?? []).map((part) => part.text).join('\n');
        if (!withReasoning || text === '') break;
        const last = messages.at(-1);
        const begun = last?.role === 'assistant' && (last.content !== null || last.tool_calls);
        if (begun) messages.push({ role: 'assistant', content: null, reasoning_content: text });
        else assistant().reasoning_content = text;
        break;
      }
      case 'function_call': {
        const call = { name: item.name, arguments: item.arguments };
        const message = assistant();
        message.tool_calls = [...(message.tool_calls ?? []), { id: item.call_id, type: 'function', function: call }];
        break;
      }
      case 'function_call_output':
        messages.push(toolMessage(item, shown));
        break;
      case 'mcp_call':
        addServedCall(messages, item, assistant());
    }
  }
  showImages();
  return messages;
}

function addMessage(messages: ChatMessage[], item: InputMessage, assistant: () => Assistant): void {
  const { role, content } = item;
  if (role === 'user') {
    messages.push({ role, content: typeof content === 'string' ? content : simplest(content.map(toPart)) });
    return;
  }
  const text = typeof content === 'string' ? content : content.map(textOf).join('');
  if (role === 'assistant') {
    const last = messages.at(-1);
    // Two messages in a row stay two; text after calls would come before them inside one.
    if (last?.role === 'assistant' && (last.content !== null || last.tool_calls))
      messages.push({ role, content: text });
    else assistant().content = text;
    return;
  }
  const first = messages[0];
  if (messages.length === 1 && first?.role === 'system') first.content += `\n\n${text}`;
  else messages.push({ role: 'system', content: text });
}

/** A call that a server-side tool ran: to the model a call like any other, with its output right behind. */
function addServedCall(messages: ChatMessage[], item: InputMcpCall, message: Assistant): void {
  const id = item.id ?? item.name;
  const call = { name: item.name, arguments: item.arguments };
  message.tool_calls = [...(message.tool_calls ?? []), { id, type: 'function', function: call }];
  const content = item.output ?? (item.error ? JSON.stringify(item.error) : '');
  messages.push({ role: 'tool', tool_call_id: id, content });
}

function toolMessage(item: FunctionCallOutput, shown: InputImage[]): ChatMessage {
  const { call_id: tool_call_id, output } = item;
  if (typeof output === 'string') return { role: 'tool', tool_call_id, content: output };
  const images = output.filter((part) => part.type === 'input_image');
  shown.push(...images);
  const parts = output.filter((part) => part.type === 'input_text').map(toPart);
  if (images.length > 0) parts.push({ type: 'text', text: `(${images.length} image(s), shown below)` });
  return { role: 'tool', tool_call_id, content: simplest(parts) };
}

type MessagePart = Exclude<InputMessage['content'], string>[number] | InputPart;

function toPart(part: MessagePart): Part {
  return part.type === 'input_image' ? imagePart(part) : { type: 'text', text: textOf(part) };
}

function imagePart({ image_url: url, detail }: InputImage): Part {
  return { type: 'image_url', image_url: detail && detail !== 'auto' ? { url, detail } : { url } };
}

function textOf(part: MessagePart): string {
  if (part.type === 'refusal') return part.refusal;
  return part.type === 'input_image' ? '' : part.text;
}

/** One text alone goes as a string: servers that know no parts are thus still served. */
function simplest(parts: Part[]): string | Part[] {
  const [only] = parts;
  if (!only) return '';
  return parts.length === 1 && only.type === 'text' ? only.text : parts;
}
