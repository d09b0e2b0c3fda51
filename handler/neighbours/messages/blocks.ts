import * as v from 'valibot';
import { unsupported, wordOf } from '../../errors.ts';
import type { InputPart, PromptCacheBreakpoint } from '../../protocol/content.ts';
import { AnyObject, CallId, FunctionName, maybe, Text } from '../../protocol/fields.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { check } from '../../validate.ts';
import { CacheControl } from './request.ts';

/** The longest data of an image or a file in base64, and the longest URL, in characters: what the Responses API takes. */
const MAX_DATA = 20_000_000;
const MAX_URL = 8_192;

const marked = { cache_control: CacheControl };
const Url = v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_URL));
const Data = v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_DATA));
const MediaType = v.pipe(
  v.string(),
  v.maxLength(128),
  v.check((type) => /^[\w.+-]+\/[\w.+-]+$/.test(type), 'must be a media type'),
);
const Base64 = v.object({ type: v.literal('base64'), media_type: MediaType, data: Data });
const ByUrl = v.object({ type: v.literal('url'), url: Url });

/** Whether what the model says is to name its places in a document: no model here does that. */
const Citations = maybe(v.object({ enabled: maybe(v.literal(false)) }));

const TextBlock = v.object({ type: v.literal('text'), text: Text, ...marked });
const ImageBlock = v.object({ type: v.literal('image'), source: v.variant('type', [Base64, ByUrl]), ...marked });
const DocumentBlock = v.object({
  type: v.literal('document'),
  source: v.variant('type', [
    Base64,
    ByUrl,
    v.object({ type: v.literal('text'), media_type: v.literal('text/plain'), data: Text }),
    v.object({
      type: v.literal('content'),
      content: v.lazy((value) =>
        typeof value === 'string' ? Text : v.array(v.variant('type', [TextBlock, ImageBlock])),
      ),
    }),
  ]),
  title: maybe(v.pipe(v.string(), v.maxLength(512))),
  context: maybe(Text),
  citations: Citations,
  ...marked,
});
const SearchResultBlock = v.object({
  type: v.literal('search_result'),
  source: Text,
  title: Text,
  content: v.array(TextBlock),
  citations: Citations,
  ...marked,
});
/** A tool that a result has found: from there on the model may call it. */
const ToolReference = v.object({ type: v.literal('tool_reference'), tool_name: FunctionName, ...marked });
const ToolUse = v.object({
  type: v.literal('tool_use'),
  id: CallId,
  name: FunctionName,
  input: AnyObject,
  caller: maybe(v.object({ type: v.literal('direct') })),
  ...marked,
});
const Thought = v.object({ type: v.literal('thinking'), thinking: Text, signature: maybe(v.string()) });
const SealedThought = v.object({ type: v.literal('redacted_thinking'), data: v.string() });
const ResultContent = v.lazy((value) =>
  typeof value === 'string'
    ? Text
    : v.array(v.variant('type', [TextBlock, ImageBlock, DocumentBlock, SearchResultBlock, ToolReference])),
);
const ToolResult = v.object({
  type: v.literal('tool_result'),
  tool_use_id: CallId,
  content: maybe(ResultContent),
  is_error: maybe(v.boolean()),
  ...marked,
});
const ToolName = v.object({ type: v.literal('tool_reference'), name: FunctionName });
const ToolAddition = v.object({
  type: v.literal('tool_addition'),
  tool: v.variant('type', [ToolName, v.object({ type: v.literal('tool_definition'), definition: AnyObject })]),
});
const ToolRemoval = v.object({ type: v.literal('tool_removal'), tool: ToolName });

const OfUser = v.variant('type', [TextBlock, ImageBlock, DocumentBlock, SearchResultBlock, ToolResult]);
const OfAssistant = v.variant('type', [TextBlock, Thought, SealedThought, ToolUse]);
const OfSystem = v.variant('type', [TextBlock, ToolAddition, ToolRemoval]);

/** A block of what a user, an assistant or the system says. */
export type UserBlock = v.InferOutput<typeof OfUser>;
/** The same for the model itself. */
export type AssistantBlock = v.InferOutput<typeof OfAssistant>;
/** The same for who runs it. */
export type SystemBlock = v.InferOutput<typeof OfSystem>;

const byRole = { user: OfUser, assistant: OfAssistant, system: OfSystem };

/** Blocks of tools that Anthropic's own servers run. */
const HOSTED = /^(server_tool_use|mcp_tool_(use|result)|container_upload|\w+_tool_result)$/;

/** The blocks of some content, a text being one. Throws an ApiError that names the one that its role cannot have. */
export function blocksIn<Role extends keyof typeof byRole>(
  role: Role,
  content: string | readonly JsonObject[],
  at: string,
): v.InferOutput<(typeof byRole)[Role]>[] {
  if (typeof content === 'string') return [check(byRole[role], { type: 'text', text: content }, at)];
  return content.map((block, index) => {
    const place = `${at}[${index}]`;
    if (typeof block.type === 'string' && HOSTED.test(block.type) && block.type !== 'tool_result') {
      const why = `is not supported: ${wordOf(block.type) ?? 'it'} is of a tool that Anthropic runs; leave the block out`;
      throw unsupported(`${place}.type`, why);
    }
    return check(byRole[role], block, place);
  });
}

/** The cache breakpoint that a block's mark asks for. */
export function breakpointOf({ cache_control: mark }: { cache_control?: v.InferOutput<typeof CacheControl> }): {
  prompt_cache_breakpoint?: PromptCacheBreakpoint;
} {
  if (!mark) return {};
  return { prompt_cache_breakpoint: { mode: 'explicit', ...(mark.ttl === '1h' && { ttl: '30m' }) } };
}

/** What a user shows, or a tool gives. */
type Shown = Exclude<UserBlock, { type: 'tool_result' }> | v.InferOutput<typeof ToolReference>;

/** The parts that a block is made of. The last has its cache breakpoint. */
export function partsOf(block: Shown): InputPart[] {
  const mark = breakpointOf(block);
  switch (block.type) {
    case 'text':
      return [{ type: 'input_text', text: block.text, ...mark }];
    case 'image':
      return [{ type: 'input_image', image_url: addressOf(block.source), ...mark }];
    case 'tool_reference':
      return [{ type: 'input_text', text: `The tool ${block.tool_name} can be called from now on.`, ...mark }];
    case 'search_result': {
      const text = [block.title, block.source, ...block.content.map((one) => one.text)].join('\n');
      return [{ type: 'input_text', text, ...mark }];
    }
    case 'document':
      return withMark(documentParts(block), mark);
  }
}

function withMark(parts: InputPart[], mark: ReturnType<typeof breakpointOf>): InputPart[] {
  return parts.map((part, index) => (index === parts.length - 1 ? { ...part, ...mark } : part));
}

/** A document whose text is there is told as text, since few servers read files. */
function documentParts({ source, title, context }: Extract<UserBlock, { type: 'document' }>): InputPart[] {
  const head = [title, context].filter((line) => line != null && line !== '').join('\n');
  const heads: InputPart[] = head === '' ? [] : [{ type: 'input_text', text: head }];
  const name = title ? { filename: title } : {};
  switch (source.type) {
    case 'text':
      return [...heads, { type: 'input_text', text: source.data }];
    case 'content':
      return [
        ...heads,
        ...(typeof source.content === 'string'
          ? [{ type: 'input_text' as const, text: source.content }]
          : source.content.flatMap(partsOf)),
      ];
    case 'url':
      return [...contextOf(context), { type: 'input_file', file_url: source.url, ...name }];
    case 'base64':
      return [
        ...contextOf(context),
        { type: 'input_file', file_data: addressOf(source), filename: title || 'document.pdf' },
      ];
  }
}

function contextOf(context: string | null | undefined): InputPart[] {
  return context ? [{ type: 'input_text', text: context }] : [];
}

function addressOf(source: v.InferOutput<typeof Base64> | v.InferOutput<typeof ByUrl>): string {
  return source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;
}
