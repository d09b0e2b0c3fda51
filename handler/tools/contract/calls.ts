import { isObject, type JsonObject } from '../../protocol/json.ts';

/** A call of a function that a model is told of, and its output where it has come. */
export interface ToldCall {
  id: string;
  name: string;
  /** JSON, or what it stands for where the protocol has it so. */
  arguments: unknown;
  output?: unknown;
}

/** The calls in the body of a request, in their order, in any of the protocols that are built in. */
export function callsIn(body: unknown): ToldCall[] {
  const calls: ToldCall[] = [];
  const look = (value: unknown) => {
    if (Array.isArray(value)) return value.forEach(look);
    if (!isObject(value)) return;
    const call = callOf(value);
    const answer = answerOf(value);
    const answered = answer && calls.findLast(({ id }) => id === answer.id);
    if (call) calls.push(call);
    else if (answered) answered.output = answer.output;
    else Object.values(value).forEach(look);
  };
  look(body);
  return calls;
}

/** The call that an object is, in Chat Completions, the Responses API or the Messages API. */
function callOf({ type, id, call_id, name, input, ...rest }: JsonObject): ToldCall | undefined {
  const { function: called } = rest;
  if (isObject(called) && 'arguments' in called)
    return { id: `${id}`, name: `${called.name}`, arguments: called.arguments };
  if (type === 'function_call') return { id: `${call_id}`, name: `${name}`, arguments: rest.arguments };
  return type === 'tool_use' ? { id: `${id}`, name: `${name}`, arguments: input } : undefined;
}

/** The output that an object is, likewise. */
function answerOf({ type, role, ...rest }: JsonObject): { id: unknown; output: unknown } | undefined {
  if (role === 'tool') return { id: rest.tool_call_id, output: rest.content };
  if (type === 'function_call_output') return { id: rest.call_id, output: rest.output };
  return type === 'tool_result' ? { id: rest.tool_use_id, output: rest.content } : undefined;
}
