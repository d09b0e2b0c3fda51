import * as v from 'valibot';
import { newId } from '../ids.ts';
import type { ItemStatus } from '../protocol/content.ts';
import { AnyObject, CallId, Count, Id, maybe, OwnNames, Status, Text } from '../protocol/fields.ts';
import { type AnswerKind, callWith, type FixedCallKind } from './kind.ts';
import { noMedia } from './media.ts';
import { plainStream } from './stream.ts';

/** A command for the client's own machine. */
const InputLocalShellCall = v.object({
  type: v.literal('local_shell_call'),
  id: Id,
  call_id: CallId,
  action: v.object({
    type: v.literal('exec'),
    command: v.array(Text),
    env: v.nullish(v.pipe(AnyObject, OwnNames, v.record(v.string(), v.string())), {}),
    timeout_ms: Count,
    user: maybe(v.string()),
    working_directory: maybe(v.string()),
  }),
  status: Status,
});

/** The output of the client's command; `id` is the call's, unless `call_id` is there too. */
const LocalShellOutput = v.object({
  type: v.literal('local_shell_call_output'),
  id: Id,
  call_id: maybe(CallId),
  output: Text,
  status: Status,
});

/** A command that the model wants run on the client's machine, as it is kept. */
export interface LocalShellCall {
  type: 'local_shell_call';
  id: string;
  call_id: string;
  action: LocalShellCommand;
  status: ItemStatus;
}

/** One command, as its arguments. */
interface LocalShellCommand {
  type: 'exec';
  command: string[];
  env: Record<string, string>;
  timeout_ms?: number | null | undefined;
  user?: string | null | undefined;
  working_directory?: string | null | undefined;
}

/** A stored command output. */
export interface LocalShellCallOutput {
  type: 'local_shell_call_output';
  id: string;
  call_id: string;
  output: string;
  status: ItemStatus;
}

const prefix = 'lsho';

/** A command that the client runs on its own machine. */
export const local_shell_call: FixedCallKind<typeof InputLocalShellCall, LocalShellCall> = {
  role: 'call',
  schema: InputLocalShellCall,
  title: 'InputLocalShellCall',
  prefix: 'lsh',
  keep: (input, id) => ({ ...input, id, status: input.status ?? 'completed' }),
  asInput: (item) => item,
  asCall({ call_id, action: { type: _, ...action } }) {
    return callWith(call_id, 'local_shell', action);
  },
  fromArguments: (args) => ({ action: { type: 'exec', ...args } }),
  stream: plainStream,
};

/** The output of that command. */
export const local_shell_call_output: AnswerKind<typeof LocalShellOutput, LocalShellCallOutput> = {
  role: 'answer',
  schema: LocalShellOutput,
  title: 'LocalShellOutput',
  prefix,
  keep: (input, id) => ({
    ...input,
    // In the API's form, `id` of the output is the call's id.
    id: input.id && input.call_id && input.call_id !== input.id ? id : newId(prefix),
    call_id: input.call_id || input.id || '',
    status: input.status ?? 'completed',
  }),
  asInput: ({ type, call_id: id, output, status }) => ({ type, id, output, status }),
  asAnswer: ({ call_id, output }) => ({ id: call_id, output, failed: false }),
  media: noMedia,
};
