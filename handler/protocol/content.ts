import * as v from 'valibot';
import { maybe, notSupported, Text } from './fields.ts';

/** The lifecycle of one item; a cut item ends as `incomplete`. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** OpenResponses' bounds for an image URL and for a file's data, in characters, data URLs included. */
const MAX_IMAGE_URL = 20_971_520;
const MAX_FILE_DATA = 33_554_432;

/** The end of a beginning that is the same in many requests, for servers that keep such. */
export const PromptCacheBreakpoint = v.object({
  mode: v.literal('explicit'),
  ttl: maybe(v.picklist(['30m', '12h'])),
});
export type PromptCacheBreakpoint = v.InferOutput<typeof PromptCacheBreakpoint>;

/** The id of an uploaded file. */
export const FileId = notSupported('send the URL or the data in place of a file id');

/** Text that a client gives the model. */
export const InputText = v.object({
  type: v.literal('input_text'),
  text: Text,
  prompt_cache_breakpoint: maybe(PromptCacheBreakpoint),
});
export type InputText = v.InferOutput<typeof InputText>;

/** An image that a client gives the model, by URL or data URL; the URL is handed on, never fetched by us. */
export const InputImage = v.object({
  type: v.literal('input_image'),
  file_id: FileId,
  image_url: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_IMAGE_URL)),
  detail: maybe(v.picklist(['low', 'high', 'auto', 'original'])),
  prompt_cache_breakpoint: maybe(PromptCacheBreakpoint),
});
export type InputImage = v.InferOutput<typeof InputImage>;

/** A file that a client gives the model, by URL or as a data URL; the URL is handed on, never fetched by us. */
export const InputFile = v.pipe(
  v.object({
    type: v.literal('input_file'),
    file_id: FileId,
    file_data: maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_FILE_DATA))),
    file_url: maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_IMAGE_URL))),
    filename: maybe(v.pipe(v.string(), v.maxLength(512))),
    detail: maybe(v.picklist(['auto', 'low', 'high'])),
    prompt_cache_breakpoint: maybe(PromptCacheBreakpoint),
  }),
  v.check(
    ({ file_data, file_url }) => (file_data == null) !== (file_url == null),
    'must have either file_data or file_url',
  ),
);
export type InputFile = v.InferOutput<typeof InputFile>;

/** What the output of a tool may consist of. */
export const InputParts = v.array(v.variant('type', [InputText, InputImage, InputFile]));

/** What a message to the model, or the output of a function, may consist of. */
export type InputPart = InputText | InputImage | InputFile;

/** A citation or a file path inside a text. */
export const Annotation = v.variant('type', [
  v.object({
    type: v.literal('url_citation'),
    url: v.string(),
    title: v.string(),
    start_index: v.number(),
    end_index: v.number(),
  }),
  v.object({ type: v.literal('file_citation'), file_id: v.string(), filename: v.string(), index: v.number() }),
  v.object({
    type: v.literal('container_file_citation'),
    container_id: v.string(),
    file_id: v.string(),
    filename: v.string(),
    start_index: v.number(),
    end_index: v.number(),
  }),
  v.object({ type: v.literal('file_path'), file_id: v.string(), index: v.number() }),
]);
export type Annotation = v.InferOutput<typeof Annotation>;

const token = { token: v.string(), logprob: v.number(), bytes: v.nullish(v.array(v.number()), []) };

/** A token's log probability as OpenAI's text events carry it. */
export const Logprob = v.object({ ...token, top_logprobs: v.nullish(v.array(v.object(token)), []) });
export type Logprob = v.InferOutput<typeof Logprob>;

/** Text that the model wrote. */
export interface OutputText {
  type: 'output_text';
  text: string;
  annotations: Annotation[];
  logprobs: Logprob[];
}

/** The model's refusal, in its own words. */
export interface Refusal {
  type: 'refusal';
  refusal: string;
}

/** The model's reasoning as plain text. */
export interface ReasoningText {
  type: 'reasoning_text';
  text: string;
}

/** A summary of the model's reasoning. */
export interface SummaryText {
  type: 'summary_text';
  text: string;
}

/** Text of an earlier answer, replayed by a client; what clients leave out or null is tolerated. */
export const ReplayedText = v.object({
  type: v.literal('output_text'),
  text: Text,
  annotations: maybe(v.array(Annotation)),
  logprobs: maybe(v.array(Logprob)),
});
export type ReplayedText = v.InferOutput<typeof ReplayedText>;

/** A refusal of an earlier answer, replayed by a client. */
export const ReplayedRefusal = v.object({ type: v.literal('refusal'), refusal: Text });
