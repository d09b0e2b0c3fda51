import { ApiError, unsupported } from '../../errors.ts';
import type { InputItem } from '../../items/input.ts';
import { LocatedItems } from '../located-items.ts';
import { type AssistantBlock, blocksIn, breakpointOf, partsOf, type SystemBlock, type UserBlock } from './blocks.ts';
import type { MessagesCreate } from './request.ts';
import { sealedIn } from './signature.ts';
import type { OfferedTools } from './tools.ts';

/** Opens what this deployment has sealed: the text of reasoning, or a call of its own; null for what a model's server has sealed, undefined for neither. */
export type OpenReasoning = (sealed: string) => Promise<string | InputItem | null | undefined>;

/**
 * The messages as items; `tools` are told which tools they name. Thinking that is not ours is left out. Throws an ApiError that
 * names the block that cannot be carried.
 */
export async function toItems(
  { messages, system }: Pick<MessagesCreate, 'messages' | 'system'>,
  tools: OfferedTools,
  open: OpenReasoning,
): Promise<LocatedItems> {
  const list = new LocatedItems();
  if (Array.isArray(system)) addSystem(list, blocksIn('system', system, 'system'), 'system', tools);
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  for (const [index, { role, content, clear_at, output_config }] of messages.entries()) {
    const at = `messages[${index}]`;
    if (content == null || content.length === 0) {
      if (role === 'system' && output_config) addEffort(list, output_config, at);
      else if (role !== 'assistant') throw empty(`${at}.content`);
      continue;
    }
    const within = `${at}.content`;
    if (role === 'user') addUser(list, blocksIn(role, content, within), within, tools);
    else if (role === 'assistant') await addAssistant(list, blocksIn(role, content, within), within, open);
    else {
      if (output_config) addEffort(list, output_config, at);
      const blocks = blocksIn(role, content, within);
      const isOver = clear_at === 'next_user_message' && index < lastUser;
      const told = isOver ? blocks.filter(({ type }) => type !== 'text') : blocks;
      addSystem(list, told, within, tools);
    }
  }
  const last = messages.findLast(({ role }) => role !== 'system');
  const lastBlock = Array.isArray(last?.content) ? last.content.at(-1) : undefined;
  if (last?.role === 'assistant' && lastBlock?.type !== 'tool_use') {
    throw unsupported(
      'messages',
      'must end with a message of the user: no model goes on here in the middle of its own',
    );
  }
  return list;
}

function empty(param: string): ApiError {
  return new ApiError('invalid_value', `${param} must not be empty`, { param });
}

function addEffort(list: LocatedItems, { effort }: { effort?: string | null | undefined }, at: string): void {
  // Of this list every word is one of the Responses API.
  const known = effort as 'low' | 'medium' | 'high' | 'xhigh' | 'max' | null | undefined;
  if (known) list.add({ type: 'configuration_update', reasoning: { effort: known } }, `${at}.output_config`);
}

/** Each text is a message of its own, so that none runs into the next. */
function addSystem(list: LocatedItems, blocks: readonly SystemBlock[], at: string, tools: OfferedTools): void {
  for (const [index, block] of blocks.entries()) {
    const place = `${at}[${index}]`;
    if (block.type === 'text') list.say('system', partsOf(block), place, false);
    else if (block.type === 'tool_removal') tools.withdraw(block.tool.name);
    else if (block.tool.type === 'tool_reference') tools.offer(block.tool.name, `${place}.tool.name`);
    else tools.define(block.tool.definition, `${place}.tool.definition`);
  }
}

function addUser(list: LocatedItems, blocks: readonly UserBlock[], at: string, tools: OfferedTools): void {
  for (const [index, block] of blocks.entries()) {
    const place = `${at}[${index}]`;
    if (block.type === 'tool_result') addResult(list, block, place, tools);
    else list.say('user', partsOf(block), place, index > 0);
  }
}

function addResult(
  list: LocatedItems,
  block: Extract<UserBlock, { type: 'tool_result' }>,
  at: string,
  tools: OfferedTools,
): void {
  const { tool_use_id: call_id, content, is_error } = block;
  const blocks = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  for (const [index, one] of blocks.entries()) {
    if (one.type === 'tool_reference') tools.offer(one.tool_name, `${at}.content[${index}].tool_name`);
  }
  const parts = blocks.flatMap(partsOf);
  const mark = breakpointOf(block);
  const marked = parts.map((part, index) => (index === parts.length - 1 ? { ...part, ...mark } : part));
  const [only] = marked;
  const isText = marked.length === 1 && only?.type === 'input_text' && !only.prompt_cache_breakpoint;
  const output = marked.length === 0 ? '' : isText ? only.text : marked;
  const item = { type: 'function_call_output' as const, call_id, output, ...(is_error && { failed: true }) };
  list.add(item, at);
}

async function addAssistant(
  list: LocatedItems,
  blocks: readonly AssistantBlock[],
  at: string,
  open: OpenReasoning,
): Promise<void> {
  for (const [index, block] of blocks.entries()) {
    const place = `${at}[${index}]`;
    switch (block.type) {
      case 'text':
        if (block.text === '') break;
        list.add({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: block.text }] }, place);
        break;
      case 'tool_use': {
        const { id: call_id, name, input } = block;
        list.add({ type: 'function_call', call_id, name, arguments: JSON.stringify(input) }, place);
        break;
      }
      case 'thinking':
        await addThought(list, block.thinking, sealedIn(block.signature), place, open);
        break;
      case 'redacted_thinking':
        await addThought(list, '', sealedIn(block.data), place, open);
        break;
    }
  }
}

async function addThought(
  list: LocatedItems,
  thinking: string,
  sealed: string | undefined,
  at: string,
  open: OpenReasoning,
): Promise<void> {
  const text = sealed === undefined ? undefined : await open(sealed);
  if (text === undefined) return;
  if (typeof text === 'object' && text !== null) return list.add(text, at);
  // What a server has sealed goes back to it, beside the words that the client saw.
  const words = text ?? thinking;
  list.add(
    {
      type: 'reasoning',
      content: words === '' ? [] : [{ type: 'reasoning_text', text: words }],
      ...(text === null && { encrypted_content: sealed }),
    },
    at,
  );
}
