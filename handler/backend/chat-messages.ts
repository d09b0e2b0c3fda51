import { unsupported } from '../errors.ts';
import type { InputPart } from '../protocol/content.ts';
import type { Item, Message } from '../protocol/items.ts';
import { imagePart, isMarked, type Part, simplest, textPart, toPart } from './chat-parts.ts';
import { wireName } from './chat-tools.ts';
import { wordsOf } from './words.ts';

type ToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** A message of the Chat Completions API. */
export type ChatMessage =
  | { role: 'system'; content: string | Part[] }
  | { role: 'user'; content: string | Part[] }
  | { role: 'assistant'; content: string | null; reasoning_content?: string; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string | Part[] };

type Assistant = Extract<ChatMessage, { role: 'assistant' }>;

/**
 * Items as chat messages. What the model said in one turn (reasoning, text, parallel calls) becomes one assistant
 * message; system messages that lead are merged, since many chat templates take only one, and only first; images and
 * files that tools returned follow in a user message, since tool messages carry text. Throws an ApiError for what no
 * message can hold.
 */
export function toMessages(instructions: string | null, input: readonly Item[], withReasoning: boolean): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  const shown: Part[] = [];
  const assistant = (): Assistant => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') return last;
    const fresh: Assistant = { role: 'assistant', content: null };
    messages.push(fresh);
    return fresh;
  };
  const call = (id: string, name: string, written: string) => {
    const message = assistant();
    const fn = { name, arguments: written };
    message.tool_calls = [...(message.tool_calls ?? []), { id, type: 'function', function: fn }];
  };
  const answer = (id: string | null, output: string | InputPart[]) => {
    messages.push({ role: 'tool', tool_call_id: id ?? '', content: toolContent(output, shown) });
  };
  for (const item of input) {
    if (!('output' in item) && shown.length > 0) messages.push({ role: 'user', content: shown.splice(0) });
    switch (item.type) {
      case 'message':
        addMessage(messages, item, assistant);
        break;
      case 'reasoning': {
        const text = (item.content.length > 0 ? item.content : item.summary).map((part) => part.text).join('\n');
        if (!withReasoning || text === '') break;
        const last = messages.at(-1);
        const begun = last?.role === 'assistant' && (last.content !== null || last.tool_calls);
        if (begun) messages.push({ role: 'assistant', content: null, reasoning_content: text });
        else assistant().reasoning_content = text;
        break;
      }
      case 'function_call':
        call(item.call_id, wireName(item.name, item.namespace), item.arguments);
        break;
      case 'custom_tool_call':
        call(item.call_id, wireName(item.name, item.namespace), JSON.stringify({ input: item.input }));
        break;
      case 'local_shell_call': {
        const { type: _, ...action } = item.action;
        call(item.call_id, 'local_shell', JSON.stringify(action, given));
        break;
      }
      case 'shell_call':
        call(item.call_id, 'shell', JSON.stringify(item.action, given));
        break;
      case 'apply_patch_call':
        call(item.call_id, 'apply_patch', JSON.stringify(item.operation));
        break;
      case 'computer_call':
        call(item.call_id, 'computer', JSON.stringify({ actions: item.actions ?? [item.action] }));
        break;
      case 'tool_search_call':
        call(item.call_id ?? '', 'tool_search', JSON.stringify(item.arguments));
        break;
      case 'mcp_call':
        // A call that a server-side tool ran is to the model a call like any other, with its output right behind.
        call(item.id, item.name, item.arguments);
        answer(item.id, item.output ?? (item.error ? JSON.stringify(item.error) : ''));
        break;
      case 'function_call_output':
      case 'custom_tool_call_output':
      case 'local_shell_call_output':
        answer(item.call_id, item.output);
        break;
      case 'shell_call_output':
        answer(item.call_id, JSON.stringify(item.output));
        break;
      case 'apply_patch_call_output':
        answer(item.call_id, item.output ? `${item.status}: ${item.output}` : item.status);
        break;
      case 'computer_call_output':
        answer(item.call_id, 'A screenshot, shown below.');
        shown.push(imagePart(item.output));
        break;
      case 'tool_search_output':
        answer(
          item.call_id,
          `Found: ${item.tools.map(({ name, type }) => String(name ?? type)).join(', ') || 'nothing'}`,
        );
        break;
      default:
        throw unsupported('input', `holds an item of type ${item.type}, which this model backend cannot read`);
    }
  }
  if (shown.length > 0) messages.push({ role: 'user', content: shown });
  return messages;
}

function addMessage(messages: ChatMessage[], message: Message, assistant: () => Assistant): void {
  const { role, content } = message;
  if (role === 'user') {
    messages.push({ role, content: simplest(content.map(toPart)) });
    return;
  }
  const text = wordsOf(message);
  if (role === 'assistant') {
    const last = messages.at(-1);
    // Two messages in a row stay two; text after calls would come before them inside one.
    if (last?.role === 'assistant' && (last.content !== null || last.tool_calls))
      messages.push({ role, content: text });
    else assistant().content = text;
    return;
  }
  const parts = content.map(textPart);
  const first = messages[0];
  if (parts.some(isMarked)) messages.push({ role: 'system', content: parts });
  else if (messages.length === 1 && first?.role === 'system' && typeof first.content === 'string') {
    first.content += `\n\n${text}`;
  } else messages.push({ role: 'system', content: text });
}

/** Leaves nulls out, as the model did. */
function given(_: string, value: unknown): unknown {
  return value ?? undefined;
}

/** What a tool gave, in words; what cannot be told in words is added to `shown`. */
function toolContent(output: string | InputPart[], shown: Part[]): string | Part[] {
  if (typeof output === 'string') return output;
  const others = output.filter((part) => part.type !== 'input_text').map(toPart);
  shown.push(...others);
  const parts = output.filter((part) => part.type === 'input_text').map(toPart);
  if (others.length > 0) parts.push({ type: 'text', text: `(${others.length} image(s) or file(s), shown below)` });
  return simplest(parts);
}
