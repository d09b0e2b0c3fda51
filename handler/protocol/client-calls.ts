import * as v from 'valibot';
import { FileId, InputImage, type InputPart, InputParts, type ItemStatus } from './content.ts';
import { AnyObject, Caller, CallId, FunctionName, Id, maybe, OwnNames, Status, Text } from './fields.ts';
import type { JsonObject } from './json.ts';
import { ItemTool, LocalEnvironment } from './tools.ts';

// Calls of tools that the client runs, other than functions: what the model wrote, and what the client answers.

const Count = maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)));
const StringOrParts = v.lazy((value) => (typeof value === 'string' ? Text : InputParts));

/** A call of a tool whose input is free text. */
export const InputCustomCall = v.object({
  type: v.literal('custom_tool_call'),
  id: Id,
  call_id: CallId,
  name: FunctionName,
  namespace: maybe(FunctionName),
  input: Text,
  async: maybe(v.boolean()),
  caller: Caller,
  status: Status,
});

const LocalShellAction = v.object({
  type: v.literal('exec'),
  command: v.array(Text),
  env: v.nullish(v.pipe(AnyObject, OwnNames, v.record(v.string(), v.string())), {}),
  timeout_ms: Count,
  user: maybe(v.string()),
  working_directory: maybe(v.string()),
});

/** A command for the client's own machine. */
export const InputLocalShellCall = v.object({
  type: v.literal('local_shell_call'),
  id: Id,
  call_id: CallId,
  action: LocalShellAction,
  status: Status,
});

const ShellAction = v.object({ commands: v.array(Text), timeout_ms: Count, max_output_length: Count });

/** Commands for a shell that the client runs. */
export const InputShellCall = v.object({
  type: v.literal('shell_call'),
  id: Id,
  call_id: CallId,
  action: ShellAction,
  environment: maybe(LocalEnvironment),
  caller: Caller,
  status: Status,
});

const PatchOperation = v.variant('type', [
  v.object({ type: v.literal('create_file'), path: v.string(), diff: Text }),
  v.object({ type: v.literal('update_file'), path: v.string(), diff: Text }),
  v.object({ type: v.literal('delete_file'), path: v.string() }),
]);

/** A change of one file, for the client to make. */
export const InputPatchCall = v.object({
  type: v.literal('apply_patch_call'),
  id: Id,
  call_id: CallId,
  operation: PatchOperation,
  caller: Caller,
  status: Status,
});

/** What the client is to do with its screen, keyboard and mouse. */
export const InputComputerCall = v.object({
  type: v.literal('computer_call'),
  id: Id,
  call_id: CallId,
  action: maybe(AnyObject),
  actions: maybe(v.array(AnyObject)),
  pending_safety_checks: v.nullish(v.array(AnyObject), []),
  status: Status,
});

/** A search for tools that the client makes. */
export const InputToolSearchCall = v.object({
  type: v.literal('tool_search_call'),
  id: Id,
  call_id: maybe(CallId),
  execution: v.nullish(v.picklist(['client', 'server']), 'client'),
  arguments: AnyObject,
  status: Status,
});

/** What the client's custom tool gave. */
export const CustomOutput = v.object({
  type: v.literal('custom_tool_call_output'),
  id: Id,
  call_id: CallId,
  output: StringOrParts,
  caller: Caller,
  status: Status,
});

/** What the client's command wrote; `id` is the call's, unless `call_id` is given as well. */
export const LocalShellOutput = v.object({
  type: v.literal('local_shell_call_output'),
  id: Id,
  call_id: maybe(CallId),
  output: Text,
  status: Status,
});

const Outcome = v.variant('type', [
  v.object({ type: v.literal('timeout') }),
  v.object({ type: v.literal('exit'), exit_code: v.pipe(v.number(), v.integer()) }),
]);

/** What the client's shell gave for each command. */
export const ShellOutput = v.object({
  type: v.literal('shell_call_output'),
  id: Id,
  call_id: CallId,
  output: v.array(v.object({ stdout: Text, stderr: Text, outcome: Outcome })),
  max_output_length: Count,
  caller: Caller,
  status: Status,
});

/** Whether the client could make the change. */
export const PatchOutput = v.object({
  type: v.literal('apply_patch_call_output'),
  id: Id,
  call_id: CallId,
  output: maybe(Text),
  caller: Caller,
  status: v.picklist(['completed', 'failed']),
});

const Screenshot = v.object({
  type: v.literal('computer_screenshot'),
  file_id: FileId,
  image_url: InputImage.entries.image_url,
  detail: InputImage.entries.detail,
  prompt_cache_breakpoint: InputImage.entries.prompt_cache_breakpoint,
});

/** The client's screen after what it did. */
export const ComputerOutput = v.object({
  type: v.literal('computer_call_output'),
  id: Id,
  call_id: CallId,
  output: Screenshot,
  acknowledged_safety_checks: maybe(v.array(AnyObject)),
  status: Status,
});

/** The tools that the client found; the model may use them from then on. */
export const ToolSearchOutput = v.object({
  type: v.literal('tool_search_output'),
  id: Id,
  call_id: maybe(CallId),
  execution: v.nullish(v.picklist(['client', 'server']), 'client'),
  tools: v.array(ItemTool),
  status: Status,
});

/** Everything of this file that a client may send. */
export const clientItems = [
  InputCustomCall,
  InputLocalShellCall,
  InputShellCall,
  InputPatchCall,
  InputComputerCall,
  InputToolSearchCall,
  CustomOutput,
  LocalShellOutput,
  ShellOutput,
  PatchOutput,
  ComputerOutput,
  ToolSearchOutput,
] as const;

type Direct = { type: 'direct' };
type Local = v.InferOutput<typeof LocalEnvironment>;

interface Call {
  id: string;
  call_id: string;
  status: ItemStatus;
}

/** The calls as they are kept and sent. */
export type ClientCall =
  | (Call & {
      type: 'custom_tool_call';
      name: string;
      namespace?: string;
      input: string;
      async?: boolean;
      caller?: Direct;
    })
  | (Call & { type: 'local_shell_call'; action: LocalShellCommand })
  | (Call & { type: 'shell_call'; action: ShellCommands; environment: Local | null; caller?: Direct })
  | (Omit<Call, 'status'> & {
      type: 'apply_patch_call';
      operation: v.InferOutput<typeof PatchOperation>;
      caller?: Direct;
      status: 'in_progress' | 'completed';
    })
  | (Call & { type: 'computer_call'; actions?: JsonObject[]; action?: JsonObject; pending_safety_checks: JsonObject[] })
  | (Omit<Call, 'call_id'> & {
      type: 'tool_search_call';
      call_id: string | null;
      execution: 'client' | 'server';
      arguments: JsonObject;
    });

/** One command, as its arguments. */
export interface LocalShellCommand {
  type: 'exec';
  command: string[];
  env: Record<string, string>;
  timeout_ms?: number | null;
  user?: string | null;
  working_directory?: string | null;
}

/** Command lines, one after another. */
export interface ShellCommands {
  commands: string[];
  timeout_ms: number | null;
  max_output_length: number | null;
}

interface Output {
  id: string;
  call_id: string;
  status: ItemStatus;
}

/** The outputs as they are kept and sent. */
export type ClientOutput =
  | (Output & { type: 'custom_tool_call_output'; output: string | InputPart[]; caller?: Direct })
  | (Output & { type: 'local_shell_call_output'; output: string })
  | (Output & {
      type: 'shell_call_output';
      output: v.InferOutput<typeof ShellOutput>['output'];
      max_output_length: number | null;
      caller?: Direct;
    })
  | (Omit<Output, 'status'> & {
      type: 'apply_patch_call_output';
      output?: string;
      caller?: Direct;
      status: 'completed' | 'failed';
    })
  | (Output & { type: 'computer_call_output'; output: v.InferOutput<typeof ComputerOutput>['output'] })
  | (Omit<Output, 'call_id'> & {
      type: 'tool_search_output';
      call_id: string | null;
      execution: 'client' | 'server';
      tools: { type: string; [key: string]: unknown }[];
    });
