import type { ModelCall } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import { isObject } from '../protocol/json.ts';

/** The parts of a call that a model reads, and that tokens are estimated of; one that is left out counts nothing. */
export type ModelInput = Partial<Pick<ModelCall, 'instructions' | 'input' | 'tools' | 'text'>>;

/** Counts the tokens of a short text at once. */
export type Tokenizer = (text: string) => number;

/** Bytes of text that count as one token: fewer than any tokenizer needs on average, so that what fits here fits there. */
const BYTES_PER_TOKEN = 3;

/** Tokens around each item, tool and text of instructions: the marks of where it begins and ends, and whose it is. */
const FRAME_TOKENS = 4;

/** Tokens with which a server tells a model how to call tools: 120 to 160 in many open models' templates, 350 at Anthropic. */
const TOOL_PROMPT_TOKENS = 150;

/** Tokens of an image: one of 1024 by 1024 pixels is 765 at OpenAI and 1,400 at Anthropic, and its bytes tell nothing. */
const IMAGE_TOKENS = 1_000;

/** Tokens of a file: a page of a PDF is 1,500 to 3,000 at Anthropic, and how many pages there are is not looked up. */
const FILE_TOKENS = 2_000;

const MEDIA_TOKENS = new Map([
  ['input_image', IMAGE_TOKENS],
  ['computer_screenshot', IMAGE_TOKENS],
  ['input_file', FILE_TOKENS],
]);

/** Members of items that models do not read, or that `FRAME_TOKENS` stands for. */
const SKIPPED_MEMBERS = new Set([
  ...['type', 'id', 'call_id', 'status', 'role', 'phase', 'caller', 'async', 'prompt_cache_breakpoint'],
  ...['annotations', 'logprobs', 'encrypted_content'],
]);

const encoder = new TextEncoder();

/** The tokens of what a model reads, estimated at once by its bytes: rather too many than too few. */
export function estimateTokens(modelInput: ModelInput): number {
  const { texts, tokens } = textsOf(modelInput);
  const bytes = texts.reduce((sum, text) => sum + encoder.encode(text).length, 0);
  return tokens + Math.ceil(bytes / BYTES_PER_TOKEN);
}

/**
 * Characters that are tokenized at a time: tokenizers take a time that grows with the square of a text without spaces,
 * some 2 ms for this much of it.
 */
const SLICE_LENGTH = 512;

/** Slices after which others get their turn: a few milliseconds in all, of a text that has spaces. */
const SLICES_PER_PAUSE = 16;

/** Characters that are tokenized at most, a book's worth; beyond them the rest is taken to be like the beginning. */
const MAX_TOKENIZED = 400_000;

/** The tokens of what a model reads, estimated with a tokenizer that need not be its own; lets others go on meanwhile. */
export async function countTokens(modelInput: ModelInput, tokenizer: Tokenizer): Promise<number> {
  const { texts, tokens } = textsOf(modelInput);
  const all = texts.reduce((sum, { length }) => sum + length, 0);
  let countedLength = 0;
  let countedTokens = 0;
  let slices = 0;
  for (const slice of slicesOf(texts)) {
    if (countedLength >= MAX_TOKENIZED) break;
    countedTokens += tokenizer(slice);
    countedLength += slice.length;
    if (++slices % SLICES_PER_PAUSE === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return tokens + (countedLength === 0 ? 0 : Math.ceil((countedTokens / countedLength) * all));
}

/** Texts in pieces of at most SLICE characters: before a space where there is one, as tokens begin there. */
function* slicesOf(texts: readonly string[]): Generator<string> {
  for (const text of texts) {
    for (let from = 0; from < text.length; ) {
      let to = from + SLICE_LENGTH;
      const space = to < text.length ? text.slice(from, to + 1).lastIndexOf(' ') : -1;
      if (space > SLICE_LENGTH / 2) to = from + space;
      yield text.slice(from, to);
      from = to;
    }
  }
}

/** The texts that a model reads, and the tokens of what is none. */
function textsOf({ instructions, input = [], tools = [], text }: ModelInput): { texts: string[]; tokens: number } {
  const texts: string[] = [];
  let tokens = 0;
  const add = (part: string | number) => {
    if (typeof part === 'number') tokens += part;
    else texts.push(part);
  };
  const addFramed = (parts: Iterable<string | number>) => {
    add(FRAME_TOKENS);
    for (const one of parts) add(one);
  };
  if (instructions) addFramed([instructions]);
  for (const item of input) addFramed(partsOf(item));
  if (tools.length > 0) add(TOOL_PROMPT_TOKENS);
  for (const tool of tools) addFramed([JSON.stringify(tool)]);
  if (text?.format.type === 'json_schema') add(JSON.stringify(text.format));
  return { texts, tokens };
}

/** What an item says: texts, and the tokens of images and files. */
function* partsOf(item: Item): Generator<string | number> {
  // What is sealed is longer by a third than what it says, in bytes as in all of base64.
  if (item.type === 'compaction') return yield Math.ceil((item.encrypted_content.length * 0.75) / BYTES_PER_TOKEN);
  // Reasoning is read as it was, or by its summary.
  if (item.type === 'reasoning' && item.content.length > 0) yield* leavesOf(item.content);
  else yield* leavesOf(item);
}

function* leavesOf(value: unknown): Generator<string | number> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const one of value) yield* leavesOf(one);
  else if (isObject(value)) {
    const media = MEDIA_TOKENS.get(String(value.type));
    if (media !== undefined) return yield media;
    for (const [name, member] of Object.entries(value)) {
      // Of schemas the names of members are read as well.
      if (name === 'tools') yield JSON.stringify(member);
      else if (!SKIPPED_MEMBERS.has(name)) yield* leavesOf(member);
    }
  }
}
