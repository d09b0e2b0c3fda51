import type { ModelCall } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import { isObject } from '../protocol/json.ts';

/** The parts of a call that the model reads, for token estimates. An absent part counts nothing. */
export type ModelInput = Partial<Pick<ModelCall, 'instructions' | 'input' | 'tools' | 'text'>>;

/** Counts the tokens of a short text at once. */
export type Tokenizer = (text: string) => number;

/** Bytes per token. Fewer than any tokenizer's average, so the estimate is rather too high. */
const BYTES_PER_TOKEN = 3;

/** Tokens of the template around each item, tool and instructions: role and delimiters. */
const FRAME_TOKENS = 4;

/** Tokens of the prompt that explains tool calls: 120 to 160 in many open models' templates, 350 at Anthropic. */
const TOOL_PROMPT_TOKENS = 150;

/** Tokens of an image, whatever its bytes: 1024 by 1024 pixels are 765 at OpenAI and 1,400 at Anthropic. */
const IMAGE_TOKENS = 1_000;

/** Tokens of a file: one PDF page is 1,500 to 3,000 at Anthropic. Pages are not counted. */
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

/** Where texts are encoded to be measured: a fifth of the time of `encode`, which allocates. */
const scratch = new Uint8Array(64 * 1024);

function bytesOf(text: string): number {
  let bytes = 0;
  for (let from = 0; from < text.length; ) {
    const { read, written } = encoder.encodeInto(from === 0 ? text : text.slice(from), scratch);
    from += read;
    bytes += written;
  }
  return bytes;
}

/** Estimates tokens by bytes, rather too many than too few. */
export function estimateTokens(modelInput: ModelInput): number {
  const { texts, tokens } = textsOf(modelInput);
  const bytes = texts.reduce((sum, text) => sum + bytesOf(text), 0);
  return tokens + Math.ceil(bytes / BYTES_PER_TOKEN);
}

/**
 * Characters per tokenizer call. Tokenizers need time quadratic in a text without spaces: some 2 ms for this many.
 */
const SLICE_LENGTH = 512;

/** Slices per pause: a few milliseconds of work for text with spaces, then others run. */
const SLICES_PER_PAUSE = 16;

/** The most characters that are tokenized, a book's worth. The rest is extrapolated. */
const MAX_TOKENIZED = 400_000;

/** Estimates tokens with a tokenizer, which need not be the model's own. Pauses for others. */
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

/** The texts of the input, and the tokens of its frames, images and files. */
function textsOf({ instructions, input = [], tools = [], text }: ModelInput): { texts: string[]; tokens: number } {
  const texts: string[] = [];
  let tokens = 0;
  // Callbacks: generators took fifteen times as long, and a long history has thousands of members.
  const add = (part: string | number) => {
    if (typeof part === 'number') tokens += part;
    else texts.push(part);
  };
  if (instructions) {
    add(FRAME_TOKENS);
    add(instructions);
  }
  for (const item of input) {
    add(FRAME_TOKENS);
    addItem(item, add);
  }
  if (tools.length > 0) add(TOOL_PROMPT_TOKENS);
  for (const tool of tools) {
    add(FRAME_TOKENS);
    add(JSON.stringify(tool));
  }
  if (text?.format.type === 'json_schema') add(JSON.stringify(text.format));
  return { texts, tokens };
}

/** Takes a text, or the tokens of an image or a file. */
type Add = (part: string | number) => void;

function addItem(item: Item, add: Add): void {
  // Base64 is a third longer than its content.
  if (item.type === 'compaction') add(Math.ceil((item.encrypted_content.length * 0.75) / BYTES_PER_TOKEN));
  // The model reads reasoning content, or else its summary.
  else if (item.type === 'reasoning' && item.content.length > 0) addLeaves(item.content, add);
  else addLeaves(item, add);
}

function addLeaves(value: unknown, add: Add): void {
  if (typeof value === 'string') add(value);
  else if (Array.isArray(value)) for (const one of value) addLeaves(one, add);
  else if (isObject(value)) {
    const media = MEDIA_TOKENS.get(String(value.type));
    if (media !== undefined) add(media);
    else {
      for (const name of Object.keys(value)) {
        // The model reads a schema's member names too.
        if (name === 'tools') add(JSON.stringify(value.tools));
        else if (!SKIPPED_MEMBERS.has(name)) addLeaves(value[name], add);
      }
    }
  }
}
