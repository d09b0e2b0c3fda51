import type { OutputItem } from '../items/item.ts';
import type { Annotation, Logprob, OutputText, ReasoningText, Refusal, SummaryText } from '../protocol/content.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Response } from '../protocol/response.ts';

// The 59 events of the Responses API, as the `openai` package (7.57.0) declares them; a test compares the two.

interface Numbered {
  /** Counts up from 0 through a response; 0 until the turn numbers the event. */
  sequence_number: number;
}

interface OfItem extends Numbered {
  item_id: string;
  /** The item's place in the response's `output`. */
  output_index: number;
}

interface OfPart extends OfItem {
  content_index: number;
}

interface OfSummary extends OfItem {
  summary_index: number;
}

interface OfShell extends Numbered {
  output_index: number;
  command_index: number;
}

/** An event that carries the whole response. */
export interface LifecycleEvent extends Numbered {
  type:
    | 'response.created'
    | 'response.queued'
    | 'response.in_progress'
    | 'response.completed'
    | 'response.incomplete'
    | 'response.failed';
  response: Response;
}

/** An item begins (`added`) or is whole (`done`, which is authoritative). */
export interface OutputItemEvent extends Numbered {
  type: 'response.output_item.added' | 'response.output_item.done';
  item: OutputItem;
  output_index: number;
}

/** A content part begins or is whole. */
export interface ContentPartEvent extends OfPart {
  type: 'response.content_part.added' | 'response.content_part.done';
  part: OutputText | Refusal | ReasoningText;
}

/** A summary of reasoning begins or is whole. */
export type SummaryPartEvent = OfSummary & { part: SummaryText } & (
    | { type: 'response.reasoning_summary_part.added' }
    | { type: 'response.reasoning_summary_part.done'; status?: 'incomplete' }
  );

/** Text or arguments that grow; `obfuscation` is padding for clients who asked for it. */
export type DeltaEvent = { obfuscation?: string } & (
  | (OfPart & { type: 'response.output_text.delta'; delta: string; logprobs: Logprob[] })
  | (OfPart & { type: 'response.refusal.delta' | 'response.reasoning_text.delta'; delta: string })
  | (OfSummary & { type: 'response.reasoning_summary_text.delta'; delta: string })
  | (OfItem & {
      type:
        | 'response.function_call_arguments.delta'
        | 'response.mcp_call_arguments.delta'
        | 'response.custom_tool_call_input.delta'
        | 'response.code_interpreter_call_code.delta';
      delta: string;
    })
);

/** Text or arguments that are whole. */
export type DoneEvent =
  | (OfPart & { type: 'response.output_text.done'; text: string; logprobs: Logprob[] })
  | (OfPart & { type: 'response.refusal.done'; refusal: string })
  | (OfPart & { type: 'response.reasoning_text.done'; text: string })
  | (OfSummary & { type: 'response.reasoning_summary_text.done'; text: string })
  | (OfItem & { type: 'response.function_call_arguments.done'; name: string; arguments: string })
  | (OfItem & { type: 'response.mcp_call_arguments.done'; arguments: string })
  | (OfItem & { type: 'response.custom_tool_call_input.done'; input: string })
  | (OfItem & { type: 'response.code_interpreter_call_code.done'; code: string });

/** A citation is added to a text. */
export interface AnnotationEvent extends OfPart {
  type: 'response.output_text.annotation.added';
  annotation: Annotation;
  annotation_index: number;
}

/** How far a hosted tool's call has come. */
export interface ProgressEvent extends OfItem {
  type:
    | `response.web_search_call.${'in_progress' | 'searching' | 'completed'}`
    | `response.file_search_call.${'in_progress' | 'searching' | 'completed'}`
    | `response.code_interpreter_call.${'in_progress' | 'interpreting' | 'completed'}`
    | `response.image_generation_call.${'in_progress' | 'generating' | 'completed'}`
    | `response.mcp_call.${'in_progress' | 'completed' | 'failed'}`
    | `response.mcp_list_tools.${'in_progress' | 'completed' | 'failed'}`
    | 'response.compaction.compacting';
}

/** An image as far as it has been drawn. */
export interface PartialImageEvent extends OfItem {
  type: 'response.image_generation_call.partial_image';
  partial_image_b64: string;
  partial_image_index: number;
}

/** What a shell command wrote, and how it ended. */
export interface ShellOutput {
  stdout: string;
  stderr: string;
  outcome: { type: 'timeout' } | { type: 'exit'; exit_code: number };
}

/** A shell command as the model writes it, and its output. */
export type ShellEvent =
  | (OfShell & { type: `response.shell_call_command.${'added' | 'done'}`; command: string })
  | (OfShell & { type: 'response.shell_call_command.delta'; delta: string })
  | (OfShell & { type: 'response.shell_call_output_content.delta'; item_id: string; delta: JsonObject })
  | (OfShell & { type: 'response.shell_call_output_content.done'; item_id: string; output: ShellOutput[] });

/** Spoken output; no backend of ours sends it. */
export type AudioEvent =
  | (Numbered & { type: `response.audio.${'delta' | 'transcript.delta'}`; delta: string })
  | (Numbered & { type: `response.audio.${'done' | 'transcript.done'}` });

/**
 * A stream's failure, before `response.failed`. It carries both the flat shape (openai-node) and the nested one
 * (openai-python, which reads a flat one as a normal event), so that every SDK raises it.
 */
export interface ErrorEvent extends Numbered {
  type: 'error';
  code: string | null;
  message: string;
  param: string | null;
  error: { type: string; code: string | null; message: string; param: string | null };
}

/** An event about the items of a response: what backends and tools make. */
export type ItemEvent =
  | OutputItemEvent
  | ContentPartEvent
  | SummaryPartEvent
  | DeltaEvent
  | DoneEvent
  | AnnotationEvent
  | ProgressEvent
  | PartialImageEvent
  | ShellEvent
  | AudioEvent;

/** Any event of a response's stream. */
export type ResponseEvent = LifecycleEvent | ItemEvent | ErrorEvent;
