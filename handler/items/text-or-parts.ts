import * as v from 'valibot';
import { type InputPart, InputParts, type ItemStatus } from '../protocol/content.ts';
import { Text } from '../protocol/fields.ts';
import type { ToolAnswer } from './kind.ts';
import { type MediaUrl, urlsWithin } from './media.ts';
import { keptPart } from './parts.ts';

// The output of functions and of custom tools: a text, which stays one, or parts.

/** The output as a client sends it. */
export const TextOrParts = v.lazy((value) => (typeof value === 'string' ? Text : InputParts));

interface Sent {
  output: string | InputPart[];
  status?: ItemStatus | undefined;
}

interface Stored {
  call_id: string;
  output: string | InputPart[];
}

/** What an AnswerKind with such an output has in common with every other. */
export const textOrParts = {
  keep: <I extends Sent>(input: I, id: string) => ({
    ...input,
    id,
    output: typeof input.output === 'string' ? input.output : input.output.map(keptPart),
    status: input.status ?? ('completed' as const),
  }),
  asAnswer: ({ call_id, output }: Stored): ToolAnswer => ({ id: call_id, output, failed: false }),
  media: ({ output }: Pick<Stored, 'output'>): Iterable<MediaUrl> => urlsWithin('output', output),
};
