import type { Exchange } from './tap.ts';

/** What the server said in one exchange, read here as its protocol has it. */
export interface Heard {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
  usage: { input_tokens: number; output_tokens: number } | null;
  /** Whether it says that the tokens ran out. */
  cut: boolean;
}

interface Usage {
  input_tokens: number;
  output_tokens: number;
}

/** The members of a chunk of either protocol that are read. */
interface Chunk {
  choices?: { delta?: Delta; finish_reason?: string | null }[];
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
  type?: string;
  delta?: string;
  item?: { type: string; name: string; arguments: string };
  response?: { usage?: Usage | null; incomplete_details?: object | null };
}

interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?: { index: number; function?: { name?: string | null; arguments?: string | null } }[];
}

/** Reads what the server streamed. */
export function heard({ asked, said }: Exchange): Heard {
  const all: Heard = { text: '', reasoning: '', calls: [], usage: null, cut: false };
  for (const line of said.split(/\r?\n/)) {
    if (!line.startsWith('data:') || line.includes('[DONE]')) continue;
    const chunk: Chunk = JSON.parse(line.slice('data:'.length));
    if (chunk.type === undefined) hearChat(chunk, all);
    else hearResponses(chunk, all);
  }
  // Some servers do not say that they cut a response: then only the count tells.
  const { max_output_tokens }: { max_output_tokens?: number } = JSON.parse(asked);
  if (max_output_tokens && all.usage) all.cut ||= all.usage.output_tokens >= max_output_tokens;
  return all;
}

function hearChat({ choices, usage }: Chunk, all: Heard): void {
  if (usage) all.usage = { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens };
  const { delta, finish_reason } = choices?.[0] ?? {};
  all.cut ||= finish_reason === 'length';
  all.text += delta?.content ?? '';
  all.reasoning += delta?.reasoning_content ?? delta?.reasoning ?? '';
  for (const { index, function: fn } of delta?.tool_calls ?? []) {
    all.calls[index] ??= { name: '', arguments: '' };
    all.calls[index].name ||= fn?.name ?? '';
    all.calls[index].arguments += fn?.arguments ?? '';
  }
}

function hearResponses({ type = '', delta = '', item, response }: Chunk, all: Heard): void {
  if (type === 'response.output_text.delta') all.text += delta;
  if (/^response\.reasoning(_summary)?_text\.delta$/.test(type)) all.reasoning += delta;
  if (type === 'response.output_item.done' && item?.type === 'function_call') {
    all.calls.push({ name: item.name, arguments: item.arguments });
  }
  const usage = response?.usage;
  if (usage) all.usage = { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
  all.cut ||= response?.incomplete_details != null;
}

/** What the server said when it refused, in its own words. */
export function refusalOf({ said }: Exchange): string {
  const found = /"(?:message|detail)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(said);
  return found?.[1] ?? said;
}

/** What the server said when it failed in the middle of an answer that it had begun; undefined when it did not. */
export function brokeOff(exchange: Exchange): string | undefined {
  const failed = /^data: ?(\{"error"|.*"type": ?"(error|response\.failed)")/m.test(exchange.said);
  return exchange.status === 200 && failed ? refusalOf(exchange) : undefined;
}

/** Whether a text repeats so many characters of another in a row. */
export function repeats(text: string, other: string, length = 20): boolean {
  for (let at = 0; at + length <= other.length; at++) if (text.includes(other.slice(at, at + length))) return true;
  return false;
}
