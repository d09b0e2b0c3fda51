import * as v from 'valibot';
import { Caller, CallId, Id, maybe, Status, Text } from '../protocol/fields.ts';
import { type AnswerKind, callWith, type DirectCaller, type FixedCallKind } from './kind.ts';
import { noMedia } from './media.ts';
import { plainStream } from './stream.ts';

const PatchOperation = v.variant('type', [
  v.object({ type: v.literal('create_file'), path: v.string(), diff: Text }),
  v.object({ type: v.literal('update_file'), path: v.string(), diff: Text }),
  v.object({ type: v.literal('delete_file'), path: v.string() }),
]);

/** A change of one file, for the client to make. */
const InputPatchCall = v.object({
  type: v.literal('apply_patch_call'),
  id: Id,
  call_id: CallId,
  operation: PatchOperation,
  caller: Caller,
  status: Status,
});

/** Whether the client could make the change. */
const PatchOutput = v.object({
  type: v.literal('apply_patch_call_output'),
  id: Id,
  call_id: CallId,
  output: maybe(Text),
  caller: Caller,
  status: v.picklist(['completed', 'failed']),
});

/** A patch that the model wants applied, as it is kept. */
export interface PatchCall {
  type: 'apply_patch_call';
  id: string;
  call_id: string;
  operation: v.InferOutput<typeof PatchOperation>;
  caller?: DirectCaller;
  status: 'in_progress' | 'completed';
}

/** A stored result of a patch. */
export interface PatchCallOutput {
  type: 'apply_patch_call_output';
  id: string;
  call_id: string;
  output?: string;
  caller?: DirectCaller;
  status: 'completed' | 'failed';
}

/** A change of one file that the client makes. */
export const apply_patch_call: FixedCallKind<typeof InputPatchCall, PatchCall> = {
  role: 'call',
  schema: InputPatchCall,
  title: 'InputPatchCall',
  prefix: 'apc',
  keep: (input, id) => ({
    ...input,
    id,
    // A turn that is cut ends its items as incomplete, which OpenAI's type of this one does not know.
    status: (input.status ?? 'completed') as PatchCall['status'],
  }),
  asCall: ({ call_id, operation }) => callWith(call_id, 'apply_patch', operation),
  fromArguments: (operation) => ({ operation }),
  stream: plainStream,
};

/** The result of that change. */
export const apply_patch_call_output: AnswerKind<typeof PatchOutput, PatchCallOutput> = {
  role: 'answer',
  schema: PatchOutput,
  title: 'PatchOutput',
  prefix: 'apco',
  keep: (input, id) => ({ ...input, id }),
  asAnswer({ call_id, output, status }) {
    return { id: call_id, output: output ? `${status}: ${output}` : status, failed: status === 'failed' };
  },
  media: noMedia,
};
