import * as v from 'valibot';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import type { Growing, OfItem } from './event.ts';
import { type FunctionRun, functionRun, toldAs, withNulls } from './hosted-kind.ts';
import type { HostedCallKind } from './kind.ts';
import { unchanged } from './stream.ts';
import { objects, texts } from './telling.ts';

const InputCodeInterpreterCall = v.object({
  type: v.literal('code_interpreter_call'),
  id: Id,
  code: maybe(Text),
  container_id: maybe(v.string()),
  outputs: maybe(v.array(AnyObject)),
  status: maybe(v.string()),
  function: functionRun,
});

/** Code that was run. */
export interface CodeInterpreterCall {
  type: 'code_interpreter_call';
  id: string;
  code: string | null;
  container_id: string;
  /** What it wrote and drew, where a request includes it. */
  outputs: CodeOutput[] | null;
  status: 'in_progress' | 'completed' | 'incomplete' | 'interpreting' | 'failed';
  /** What the model wrote and read, where this server ran the call. */
  function?: FunctionRun;
}

/** What code wrote or drew. */
export type CodeOutput = { type: 'logs'; logs: string } | { type: 'image'; url: string };

/** How far code has come; it grows, or is whole. */
type CodeInterpreterEvent =
  | (OfItem & { type: `response.code_interpreter_call.${'in_progress' | 'interpreting' | 'completed'}` })
  | (OfItem & Growing & { type: 'response.code_interpreter_call_code.delta' })
  | (OfItem & { type: 'response.code_interpreter_call_code.done'; code: string });

/** Code that was run, with what it wrote. */
export const code_interpreter_call: HostedCallKind<
  typeof InputCodeInterpreterCall,
  CodeInterpreterCall,
  CodeInterpreterEvent
> = {
  ...toldAs<CodeInterpreterCall>(({ code, outputs }) => [
    'Ran this code:',
    ...texts([code]),
    ...objects(outputs).map(({ logs, url }) => (typeof logs === 'string' ? `It wrote:\n${logs}` : `It drew ${url}.`)),
  ]),
  schema: InputCodeInterpreterCall,
  title: 'InputCodeInterpreterCall',
  prefix: 'ci',
  keep: (input, id) => withNulls({ ...input, id } as CodeInterpreterCall, { code: null, outputs: null }), // as it was sent, whatever is missing
  stream: {
    readWhole: false,
    begin: ({ type, id, container_id, outputs }) => ({
      ...{ type, id, status: 'in_progress', code: '', container_id },
      outputs: outputs && [],
    }),
    *events({ status, code }, at) {
      yield { type: 'response.code_interpreter_call.in_progress', ...at };
      if (code) yield { type: 'response.code_interpreter_call_code.delta', ...at, delta: code };
      yield { type: 'response.code_interpreter_call_code.done', ...at, code: code ?? '' };
      yield { type: 'response.code_interpreter_call.interpreting', ...at };
      if (status !== 'failed') yield { type: 'response.code_interpreter_call.completed', ...at };
    },
    fold: {
      'response.code_interpreter_call.in_progress': unchanged,
      'response.code_interpreter_call.interpreting': unchanged,
      'response.code_interpreter_call.completed': unchanged,
      'response.code_interpreter_call_code.delta': (item, { delta }) => ({ ...item, code: (item.code ?? '') + delta }),
      'response.code_interpreter_call_code.done': (item, { code }) => ({ ...item, code }),
    },
  },
};
