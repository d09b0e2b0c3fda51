import * as v from 'valibot';
import {
  InputFile,
  InputImage,
  type InputPart,
  InputText,
  type ItemStatus,
  type OutputText,
  type Refusal,
  ReplayedRefusal,
  ReplayedText,
} from '../protocol/content.ts';
import { Id, maybe, Status, Text } from '../protocol/fields.ts';
import type { ContentPartEvent } from './event.ts';
import type { SpeechKind } from './kind.ts';
import { urlsWithin } from './media.ts';
import { type MessageEvent, partsOf } from './part-events.ts';
import { keptPart } from './parts.ts';
import { change, put } from './stream.ts';

/** The content parts of a message. */
export const MessageParts = v.array(
  v.variant('type', [InputText, InputImage, InputFile, ReplayedText, ReplayedRefusal]),
);

/** The phase of a message: commentary on the way, or the final answer. */
export const Phase = v.picklist(['commentary', 'final_answer']);
export type Phase = v.InferOutput<typeof Phase>;

/** A message in the input: easy ones without `type`, typed ones, and the model's own, replayed. */
export const InputMessage = v.object({
  type: v.nullish(v.literal('message'), 'message'),
  id: Id,
  role: v.picklist(['user', 'assistant', 'system', 'developer']),
  content: v.lazy((value) => (typeof value === 'string' ? Text : MessageParts)),
  status: Status,
  phase: maybe(Phase),
});
export type InputMessage = v.InferOutput<typeof InputMessage>;

/** A stored message: with an id, and content as parts. */
export interface Message {
  type: 'message';
  id: string;
  role: InputMessage['role'];
  status: ItemStatus;
  content: (InputPart | OutputText | Refusal)[];
  phase?: Phase;
}

/** The model's message. */
export interface OutputMessage extends Message {
  role: 'assistant';
  content: (OutputText | Refusal)[];
}

/** A message of any role. */
export const message: SpeechKind<typeof InputMessage, Message, MessageEvent, OutputMessage> = {
  role: 'speech',
  schema: InputMessage,
  title: 'InputMessage',
  prefix: 'msg',
  keep({ role, content, status, phase }, id) {
    const parts = typeof content === 'string' ? [{ type: 'input_text' as const, text: content }] : content;
    return {
      type: 'message',
      id,
      role,
      status: status ?? 'completed',
      content: parts.map((part) => {
        if (part.type === 'refusal') return part;
        const isOutputText = part.type === 'output_text' || (part.type === 'input_text' && role === 'assistant');
        return isOutputText ? outputText(part) : keptPart(part);
      }),
      ...(phase && { phase }),
    };
  },
  media: ({ content }) => urlsWithin('content', content),
  stream: {
    readWhole: false,
    begin: (item) => ({ ...item, status: 'in_progress', content: [] }),
    events: (item, at) => partsOf(item.content, at, item.status),
    fold: {
      'response.content_part.added': withPart,
      'response.content_part.done': withPart,
      'response.output_text.delta': (item, { content_index, delta }) =>
        inText(item, content_index, (part) => ({ ...part, text: part.text + delta })),
      'response.output_text.done': (item, { content_index, text }) =>
        inText(item, content_index, (part) => ({ ...part, text })),
      'response.output_text.annotation.added': (item, { content_index, annotation_index, annotation }) =>
        inText(item, content_index, (part) => ({
          ...part,
          annotations: put(part.annotations, annotation_index, annotation),
        })),
      'response.refusal.delta': (item, { content_index, delta }) =>
        inRefusal(item, content_index, (text) => text + delta),
      'response.refusal.done': (item, { content_index, refusal }) => inRefusal(item, content_index, () => refusal),
    },
  },
};

function outputText({ text, annotations, logprobs }: Omit<ReplayedText, 'type'>): OutputText {
  return { type: 'output_text', text, annotations: annotations ?? [], logprobs: logprobs ?? [] };
}

function withPart(item: OutputMessage, { content_index, part }: ContentPartEvent): OutputMessage {
  return part.type === 'reasoning_text' ? item : { ...item, content: put(item.content, content_index, part) };
}

function inText(item: OutputMessage, index: number, make: (part: OutputText) => OutputText): OutputMessage {
  return { ...item, content: change(item.content, index, (part) => (part.type === 'output_text' ? make(part) : part)) };
}

function inRefusal(item: OutputMessage, index: number, make: (text: string) => string): OutputMessage {
  const content = change(item.content, index, (part) =>
    part.type === 'refusal' ? { ...part, refusal: make(part.refusal) } : part,
  );
  return { ...item, content };
}
