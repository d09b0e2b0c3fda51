import * as v from 'valibot';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import type { OfItem } from './event.ts';
import { type FunctionRun, functionRun, toldAs, withNulls } from './hosted-kind.ts';
import type { HostedCallKind } from './kind.ts';
import { unchanged } from './stream.ts';
import { texts } from './telling.ts';

const InputImageGenerationCall = v.object({
  type: v.literal('image_generation_call'),
  id: Id,
  result: maybe(Text),
  revised_prompt: maybe(Text),
  action: maybe(v.string()),
  background: maybe(v.string()),
  error: maybe(AnyObject),
  output_format: maybe(v.string()),
  quality: maybe(v.string()),
  size: maybe(v.string()),
  svg_usage: maybe(AnyObject),
  status: maybe(v.string()),
  function: functionRun,
});

/** An image that was made. */
export interface ImageGenerationCall {
  type: 'image_generation_call';
  id: string;
  /** The image, in base64. */
  result: string | null;
  status: 'in_progress' | 'completed' | 'generating' | 'failed';
  revised_prompt?: string | null;
  output_format?: 'png' | 'webp' | 'jpeg' | 'gif' | 'svg' | null;
  /** What the model wrote and read, where this server ran the call. */
  function?: FunctionRun;
}

/** How far an image has come; parts of one are sent by OpenAI alone. */
type ImageGenerationEvent =
  | (OfItem & { type: `response.image_generation_call.${'in_progress' | 'generating' | 'completed'}` })
  | (OfItem & {
      type: 'response.image_generation_call.partial_image';
      partial_image_b64: string;
      partial_image_index: number;
    });

/** An image that was made. */
export const image_generation_call: HostedCallKind<
  typeof InputImageGenerationCall,
  ImageGenerationCall,
  ImageGenerationEvent
> = {
  ...toldAs<ImageGenerationCall>(({ result, revised_prompt }) => [
    result ? 'Made an image.' : 'Tried to make an image.',
    ...texts([revised_prompt]).map((prompt) => `It was to show: ${prompt}`),
  ]),
  schema: InputImageGenerationCall,
  title: 'InputImageGenerationCall',
  prefix: 'ig',
  keep: (input, id) => withNulls({ ...input, id } as ImageGenerationCall, { result: null, output_format: null }), // as it was sent, whatever is missing
  stream: {
    readWhole: false,
    begin: ({ type, id }) => beganImage(type, id),
    *events({ status }, at) {
      yield { type: 'response.image_generation_call.in_progress', ...at };
      yield { type: 'response.image_generation_call.generating', ...at };
      if (status !== 'failed') yield { type: 'response.image_generation_call.completed', ...at };
    },
    fold: {
      'response.image_generation_call.in_progress': unchanged,
      'response.image_generation_call.generating': unchanged,
      'response.image_generation_call.partial_image': unchanged,
      'response.image_generation_call.completed': unchanged,
    },
  },
};

/** An image that has begun: OpenAI gives nothing but its status then. */
function beganImage(type: ImageGenerationCall['type'], id: string): ImageGenerationCall {
  return { type, id, status: 'in_progress' } as ImageGenerationCall; // its result is known when it is done
}
