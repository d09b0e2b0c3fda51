import * as v from 'valibot';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import type { ClientInput, ItemSchema, RecordKind } from './kind.ts';
import { found, objects, quoted, texts } from './telling.ts';

// What tools that another server hosts have done, as a history has it. Models read it as text.

const Status = maybe(v.string());
const Objects = maybe(v.array(AnyObject));

const FileSearchCall = v.object({
  type: v.literal('file_search_call'),
  id: Id,
  queries: maybe(v.array(Text)),
  results: Objects,
  status: Status,
});

const CodeInterpreterCall = v.object({
  type: v.literal('code_interpreter_call'),
  id: Id,
  code: maybe(Text),
  container_id: maybe(v.string()),
  outputs: Objects,
  status: Status,
});

const ImageGenerationCall = v.object({
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
  status: Status,
});

/** What a hosted tool has done, as it is kept: with the members that it was sent with. */
export type HostedRecord<S extends ItemSchema> = ClientInput<S> & { type: string; id: string };

/** A kind of record; `tell` says in words what was done, and what was found. */
function recordOf<S extends ItemSchema>(
  schema: S,
  { title, prefix, tell }: { title: string; prefix: string; tell(item: HostedRecord<S>): string[] },
): RecordKind<S, HostedRecord<S>> {
  return {
    role: 'record',
    schema,
    title,
    prefix,
    keep: (input, id) => ({ ...input, id }) as HostedRecord<S>, // the type is the schema's
    asText: (item) => tell(item).join('\n'),
  };
}

/** A search in files, with what it found in them. */
export const file_search_call = recordOf(FileSearchCall, {
  title: 'InputFileSearchCall',
  prefix: 'fs',
  tell: ({ queries, results }) => [
    texts(queries).length > 0 ? `Searched files for ${quoted(texts(queries))}.` : 'Searched files.',
    ...found(results),
  ],
});

/** Code that was run, with what it wrote. */
export const code_interpreter_call = recordOf(CodeInterpreterCall, {
  title: 'InputCodeInterpreterCall',
  prefix: 'ci',
  tell: ({ code, outputs }) => [
    'Ran this code:',
    ...texts([code]),
    ...objects(outputs).map(({ logs, url }) => (typeof logs === 'string' ? `It wrote:\n${logs}` : `It drew ${url}.`)),
  ],
});

/** An image that was made. */
export const image_generation_call = recordOf(ImageGenerationCall, {
  title: 'InputImageGenerationCall',
  prefix: 'ig',
  tell: ({ result, revised_prompt }) => [
    result ? 'Made an image.' : 'Tried to make an image.',
    ...texts([revised_prompt]).map((prompt) => `It was to show: ${prompt}`),
  ],
});
