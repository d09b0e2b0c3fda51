import * as v from 'valibot';
import { isObject, isShallow, type JsonObject } from './json.ts';

/** The lifecycle of one item; a cut item ends as `incomplete`. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** OpenResponses' bound for one text value, in characters. */
const MAX_TEXT = 10_485_760;
/** OpenResponses' bound for an image URL, data URLs included, in characters. */
const MAX_IMAGE_URL = 20_971_520;

/** A text value from a client, at most 10,485,760 characters. */
export const Text = v.pipe(v.string(), v.maxLength(MAX_TEXT));

/** A JSON Schema or other object that is handed on without being looked into; at most 100 levels deep. */
export const AnyObject = v.custom<JsonObject>((value) => isObject(value) && isShallow(value));

/** An optional member that clients also send as null; both mean "not given". */
export function maybe<S extends v.GenericSchema>(schema: S) {
  return v.optional(v.nullable(schema));
}

/** Text that a client gives the model. */
export const InputText = v.object({ type: v.literal('input_text'), text: Text });
export type InputText = v.InferOutput<typeof InputText>;

/** An image that a client gives the model, by URL or data URL; the URL is handed on, never fetched by us. */
export const InputImage = v.object({
  type: v.literal('input_image'),
  image_url: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_IMAGE_URL)),
  detail: maybe(v.picklist(['low', 'high', 'auto', 'original'])),
});
export type InputImage = v.InferOutput<typeof InputImage>;

/** What a message to the model, or the output of a function, may consist of. */
export type InputPart = InputText | InputImage;

/** A citation or a file path inside a text. */
export type Annotation =
  | { type: 'url_citation'; url: string; title: string; start_index: number; end_index: number }
  | { type: 'file_citation'; file_id: string; filename: string; index: number }
  | {
      type: 'container_file_citation';
      container_id: string;
      file_id: string;
      filename: string;
      start_index: number;
      end_index: number;
    }
  | { type: 'file_path'; file_id: string; index: number };

/** A token's log probability as OpenAI's text events carry it. */
export interface Logprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: { token: string; logprob: number; bytes: number[] }[];
}

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
export const ReplayedText = v.object({ type: v.literal('output_text'), text: Text });

/** A refusal of an earlier answer, replayed by a client. */
export const ReplayedRefusal = v.object({ type: v.literal('refusal'), refusal: Text });
