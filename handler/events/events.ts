import type { Numbered, OfItem } from '../items/event.ts';
import type { OutputItem, OwnEvents } from '../items/item.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Response } from '../protocol/response.ts';

// The 59 events of the Responses API, as the `openai` package (7.57.0) declares them; a test compares the two. Each type of
// item declares those that are its own.

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

/** The output of a shell that is hosted; this server has none. */
export type HostedEvent = OfItem & { command_index: number } & (
    | { type: 'response.shell_call_output_content.delta'; delta: JsonObject }
    | { type: 'response.shell_call_output_content.done'; output: ShellOutput[] }
  );

/** The output of a hosted shell command, and how it ended. */
interface ShellOutput {
  stdout: string;
  stderr: string;
  outcome: { type: 'timeout' } | { type: 'exit'; exit_code: number };
}

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

/** An event declared by an item type. */
export type OwnEvent = OwnEvents[keyof OwnEvents];

/** An event about a response's items: what backends and tools yield. */
export type ItemEvent = OutputItemEvent | OwnEvent | HostedEvent | AudioEvent;

/** Any event of a response's stream. */
export type ResponseEvent = LifecycleEvent | ItemEvent | ErrorEvent;
