import type { Item } from '../../items/item.ts';
import type { ToolAnswer, ToolCall } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import type { Reasoning } from '../../items/reasoning.ts';
import { isOfTool } from '../../items/roles.ts';
import { answerOf, callOf } from '../../items/views.ts';
import { parseObject } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { unreadable } from './words.ts';

/** An output, and the call that it is of. */
export interface AnsweredCall {
  call: ToolCall;
  answer: ToolAnswer;
}

/** One turn of the model: what it thought and said, in order, all its calls, and their outputs in the order they came. */
export interface ModelTurn {
  type: 'turn';
  speech: (Message | Reasoning)[];
  calls: ToolCall[];
  answers: AnsweredCall[];
}

/**
 * Items as messages of others and turns of the model, in an order that any server takes: an output stands with its call,
 * whatever came between them follows. A turn ends with a message of another, an output of its own, or where the model
 * began another message before it called. Throws an ApiError for an item that is neither speech nor of a tool.
 */
export function toTranscript(items: readonly Item[]): (Message | ModelTurn)[] {
  const transcript: (Message | ModelTurn)[] = [];
  /** The calls of each id that wait for an output, oldest first: some servers reuse ids in every turn. */
  const waiting = new Map<string, { call: ToolCall; turn: ModelTurn }[]>();
  let current: ModelTurn | undefined;
  const open = (): ModelTurn => {
    if (current) return current;
    current = { type: 'turn', speech: [], calls: [], answers: [] };
    transcript.push(current);
    return current;
  };
  for (const item of items) {
    if (item.type === 'message' && item.role !== 'assistant') {
      transcript.push(item);
      current = undefined;
      continue;
    }
    if (item.type === 'reasoning') {
      open().speech.push(item);
      continue;
    }
    if (item.type === 'message') {
      const turn = open();
      const said = turn.calls.length > 0 ? -1 : turn.speech.findLastIndex(({ type }) => type === 'message');
      if (said >= 0) {
        current = undefined;
        open().speech.push(...turn.speech.splice(said + 1));
      }
      open().speech.push(item);
      continue;
    }
    if (!isOfTool(item)) throw unreadable(item);
    const call = callOf(item);
    if (call) {
      const turn = open();
      turn.calls.push(call);
      const others = waiting.get(call.id);
      if (others) others.push({ call, turn });
      else waiting.set(call.id, [{ call, turn }]);
    }
    const answer = answerOf(item);
    // An output without its call was refused before there was a plan.
    const asked = answer && waiting.get(answer.id)?.shift();
    if (!asked) continue;
    asked.turn.answers.push({ call: asked.call, answer });
    if (asked.turn === current) current = undefined;
  }
  return transcript;
}

/** The arguments of a call as an object; undefined for a text that is none. An empty one has no arguments. */
export function parseArguments(json: string): JsonObject | undefined {
  return json.trim() === '' ? {} : parseObject(json);
}

/** The turn with calls whose arguments are objects: any other text stands in the output, since servers refuse it in a call. */
export function withObjects({ calls, answers, ...turn }: ModelTurn): ModelTurn {
  const broken = new Set(calls.filter(({ arguments: json }) => !parseArguments(json)));
  const isFit = (call: ToolCall) => !broken.has(call) && call.arguments.trim() !== '';
  return {
    ...turn,
    calls: calls.map((call) => (isFit(call) ? call : { ...call, arguments: '{}' })),
    answers: answers.map(({ call, answer }) => ({
      call,
      answer: broken.has(call) ? withArguments(answer, call.arguments) : answer,
    })),
  };
}

/** The output of a call that went without its arguments, and before it the arguments as the model wrote them. */
export function withArguments(answer: ToolAnswer, written: string): ToolAnswer {
  const note = `(The arguments of this call are not a JSON object. They were written as: ${written})`;
  const { output } = answer;
  if (typeof output !== 'string') return { ...answer, output: [{ type: 'input_text', text: note }, ...output] };
  return { ...answer, output: output === '' ? note : `${note}\n\n${output}` };
}
