import { unsupported } from '../errors.ts';
import { Writer } from '../events/item-writer.ts';
import type { Item } from '../items/item.ts';
import type { Backend, ModelCall } from './backend.ts';

/** The pause between words, in milliseconds: long enough that a reader sees them arrive. */
const PACE = 15;

/** A model that needs no server: it says what it is and repeats what it was told, word by word. */
export const demo: Backend = {
  prepare(call) {
    if (call.text.format.type !== 'text') throw unsupported('text.format', 'cannot be honoured by the demo model');
    if (call.reasoning.mode) throw unsupported('reasoning.mode', 'is not supported by the demo model');
    if (typeof call.tool_choice === 'object' || call.tool_choice === 'required') {
      throw unsupported('tool_choice', 'cannot be honoured by the demo model, which calls no functions');
    }
    return { stream: (signal) => speak(call, signal) };
  },
  models: async () => [],
};

async function* speak(call: ModelCall, signal: AbortSignal) {
  const heard = call.input.map(textOf).filter(Boolean);
  const words =
    `This is Antiphon's built-in demo model; no real model is configured. You said: ${heard.at(-1) ?? '(nothing)'}`
      .slice(0, 2_000)
      .match(/\s*\S+/g);
  const said = (words ?? []).slice(0, call.max_output_tokens ?? undefined);
  const writer = new Writer();
  for (const word of said) {
    writer.text(word);
    yield* writer.take();
    await pause(signal);
  }
  const cut = said.length < (words?.length ?? 0);
  writer.close(cut ? 'incomplete' : 'completed');
  yield* writer.take();
  const input_tokens = countWords(call.instructions ?? '') + heard.reduce((sum, text) => sum + countWords(text), 0);
  yield {
    type: 'finish' as const,
    reason: cut ? ('max_output_tokens' as const) : ('stop' as const),
    usage: {
      input_tokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: said.length,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input_tokens + said.length,
    },
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, PACE);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

function textOf(item: Item): string {
  if (item.type === 'message') {
    return item.content.map((part) => ('text' in part ? part.text : '')).join(' ');
  }
  if (item.type !== 'function_call_output') return '';
  return typeof item.output === 'string' ? item.output : '';
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
