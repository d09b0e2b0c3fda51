import * as v from 'valibot';
import type { ItemStatus } from '../protocol/content.ts';
import { Caller, CallId, Count, Id, maybe, Status, Text } from '../protocol/fields.ts';
import { present } from '../protocol/json.ts';
import { LocalEnvironment } from '../protocol/tools.ts';
import type { OfItem } from './event.ts';
import { type AnswerKind, callWith, type DirectCaller, type FixedCallKind } from './kind.ts';
import { noMedia } from './media.ts';
import { inProgress, unchanged } from './stream.ts';

/** Commands for a shell that the client runs. */
const InputShellCall = v.object({
  type: v.literal('shell_call'),
  id: Id,
  call_id: CallId,
  action: v.object({ commands: v.array(Text), timeout_ms: Count, max_output_length: Count }),
  environment: maybe(LocalEnvironment),
  caller: Caller,
  status: Status,
});

const Outcome = v.variant('type', [
  v.object({ type: v.literal('timeout') }),
  v.object({ type: v.literal('exit'), exit_code: v.pipe(v.number(), v.integer()) }),
]);

/** The output of each command in the client's shell. */
const ShellOutput = v.object({
  type: v.literal('shell_call_output'),
  id: Id,
  call_id: CallId,
  output: v.array(v.object({ stdout: Text, stderr: Text, outcome: Outcome })),
  max_output_length: Count,
  caller: Caller,
  status: Status,
});

/** Commands that the model wants run, as they are kept. */
export interface ShellCall {
  type: 'shell_call';
  id: string;
  call_id: string;
  action: ShellCommands;
  environment: v.InferOutput<typeof LocalEnvironment> | null;
  caller?: DirectCaller;
  status: ItemStatus;
}

/** Command lines, one after another. */
interface ShellCommands {
  commands: string[];
  timeout_ms: number | null;
  max_output_length: number | null;
}

/** Stored command outputs. */
export interface ShellCallOutput {
  type: 'shell_call_output';
  id: string;
  call_id: string;
  output: v.InferOutput<typeof ShellOutput>['output'];
  max_output_length: number | null;
  caller?: DirectCaller;
  status: ItemStatus;
}

/** A command as the model writes it. */
type ShellEvent = Omit<OfItem, 'item_id'> & { command_index: number } & (
    | { type: `response.shell_call_command.${'added' | 'done'}`; command: string }
    | { type: 'response.shell_call_command.delta'; delta: string }
  );

const NO_LIMITS = { timeout_ms: null, max_output_length: null };

/** Commands that the client runs in a shell. */
export const shell_call: FixedCallKind<typeof InputShellCall, ShellCall, ShellEvent> = {
  role: 'call',
  schema: InputShellCall,
  title: 'InputShellCall',
  prefix: 'sh',
  keep: (input, id) => ({
    ...input,
    id,
    action: { ...NO_LIMITS, ...present(input.action) },
    environment: input.environment ?? null,
    status: input.status ?? 'completed',
  }),
  asCall: ({ call_id, action }) => callWith(call_id, 'shell', action),
  fromArguments: (args) => ({ action: { ...NO_LIMITS, ...args }, environment: null }),
  stream: {
    readWhole: true,
    begin: inProgress,
    *events({ action }, { sequence_number, output_index }) {
      for (const [command_index, command] of action.commands.entries()) {
        const at = { sequence_number, output_index, command_index };
        yield { type: 'response.shell_call_command.added', ...at, command: '' };
        yield { type: 'response.shell_call_command.delta', ...at, delta: command };
        yield { type: 'response.shell_call_command.done', ...at, command };
      }
    },
    fold: {
      'response.shell_call_command.added': unchanged,
      'response.shell_call_command.delta': unchanged,
      'response.shell_call_command.done': unchanged,
    },
  },
};

/** The outputs of the commands. */
export const shell_call_output: AnswerKind<typeof ShellOutput, ShellCallOutput> = {
  role: 'answer',
  schema: ShellOutput,
  title: 'ShellOutput',
  prefix: 'sho',
  keep: (input, id) => ({
    ...input,
    id,
    max_output_length: input.max_output_length ?? null,
    status: input.status ?? 'completed',
  }),
  asAnswer: ({ call_id, output }) => ({ id: call_id, output: JSON.stringify(output), failed: false }),
  media: noMedia,
};
