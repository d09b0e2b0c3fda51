import * as v from 'valibot';
import { FileId, InputImage, type ItemStatus } from '../protocol/content.ts';
import { AnyObject, CallId, Id, maybe, Status } from '../protocol/fields.ts';
import type { JsonObject } from '../protocol/json.ts';
import { type AnswerKind, callWith, type FixedCallKind } from './kind.ts';
import { withoutNulls } from './parts.ts';
import { plainStream } from './stream.ts';

/** Actions for the client's screen, keyboard and mouse. */
const InputComputerCall = v.object({
  type: v.literal('computer_call'),
  id: Id,
  call_id: CallId,
  action: maybe(AnyObject),
  actions: maybe(v.array(AnyObject)),
  pending_safety_checks: v.nullish(v.array(AnyObject), []),
  status: Status,
});

const Screenshot = v.object({
  type: v.literal('computer_screenshot'),
  file_id: FileId,
  image_url: InputImage.entries.image_url,
  detail: InputImage.entries.detail,
  prompt_cache_breakpoint: InputImage.entries.prompt_cache_breakpoint,
});

/** The client's screenshot after the actions. */
const ComputerOutput = v.object({
  type: v.literal('computer_call_output'),
  id: Id,
  call_id: CallId,
  output: Screenshot,
  acknowledged_safety_checks: maybe(v.array(AnyObject)),
  status: Status,
});

/** A stored computer call. */
export interface ComputerCall {
  type: 'computer_call';
  id: string;
  call_id: string;
  actions?: JsonObject[];
  action?: JsonObject;
  pending_safety_checks: JsonObject[];
  status: ItemStatus;
}

/** A stored screenshot. */
export interface ComputerCallOutput {
  type: 'computer_call_output';
  id: string;
  call_id: string;
  output: v.InferOutput<typeof Screenshot>;
  acknowledged_safety_checks?: JsonObject[];
  status: ItemStatus;
}

/** Actions on a computer, which the client carries out. */
export const computer_call: FixedCallKind<typeof InputComputerCall, ComputerCall> = {
  role: 'call',
  schema: InputComputerCall,
  title: 'InputComputerCall',
  prefix: 'cu',
  keep: (input, id) => ({ ...input, id, status: input.status ?? 'completed' }),
  asInput: (item) => item,
  asCall: ({ call_id, actions, action }) => callWith(call_id, 'computer', { actions: actions ?? [action] }),
  fromArguments: (args) => args,
  stream: plainStream,
};

/** The screenshot after the actions. */
export const computer_call_output: AnswerKind<typeof ComputerOutput, ComputerCallOutput> = {
  role: 'answer',
  schema: ComputerOutput,
  title: 'ComputerOutput',
  prefix: 'cuo',
  keep: (input, id) => ({
    ...input,
    id,
    output: withoutNulls(input.output),
    status: input.status ?? 'completed',
  }),
  asAnswer({ call_id, output: { type: _, ...screenshot } }) {
    return { id: call_id, output: [{ type: 'input_image', ...screenshot }], failed: false };
  },
  media: ({ output }) => [['output.image_url', output.image_url]],
};
