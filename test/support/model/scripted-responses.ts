import type { Json } from '../accumulate.ts';
import type { Script } from './scripted.ts';

/** An item that a scripted server says, as it is in the end but for its id and status. */
export type Said =
  | { type: 'message'; content: { type: 'output_text' | 'refusal'; text: string; annotations?: object[] }[] }
  | { type: 'reasoning'; summary?: string[]; content?: string[]; encrypted_content?: string }
  | { type: 'function_call'; call_id: string; name: string; arguments: string }
  | { type: string; [member: string]: unknown };

/** How a scripted response ends. */
export interface Ending {
  type?: 'completed' | 'incomplete' | 'failed';
  incomplete_details?: { reason: string } | null;
  error?: { code: string; message: string } | null;
  usage?: object | null;
}

const USAGE = { input_tokens: 11, output_tokens: 7, total_tokens: 18 };
const LIFECYCLE = { id: 'resp_up', object: 'response', model: 'm', error: null, incomplete_details: null };

/** The events of a whole response, each in its place, as OpenAI sends them. */
export function eventsOf(items: readonly Said[], ending: Ending = {}): Json[] {
  const output = items.map(toItem);
  const { type = 'completed', usage = USAGE, ...rest } = ending;
  const events: Json[] = [
    { type: 'response.created', response: { ...LIFECYCLE, status: 'in_progress', output: [], usage: null } },
    { type: 'response.in_progress', response: { ...LIFECYCLE, status: 'in_progress', output: [], usage: null } },
    ...output.flatMap((item, output_index) => ofItem(item).map((event) => ({ ...event, output_index }))),
    { type: `response.${type}`, response: { ...LIFECYCLE, status: type, output, usage, ...rest } },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

/** A script that sends events, each in a write of its own, and ends the reply. */
export function sendsEvents(events: readonly Json[]): Script {
  return async (turn) => {
    for (const event of events) await turn.raw(encoded(event));
    turn.end();
  };
}

/** A script that says these items and ends well. */
export function answers(...items: Said[]): Script {
  return sendsEvents(eventsOf(items));
}

/** A script that says this item, and breaks off in it for a reason. */
export function answersCut(item: Said, reason: string): Script {
  return sendsEvents(eventsOf([item], { type: 'incomplete', incomplete_details: { reason } }));
}

/** A message of one text. */
export function message(text: string): Said {
  return { type: 'message', content: [{ type: 'output_text', text }] };
}

/** One event as it goes over the wire. */
export function encoded(event: Json): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function toItem(said: Json, index: number): Json {
  const { type, content, summary, ...rest } = said;
  const item = { id: `${type}_${index}`, type, status: 'completed', ...rest };
  if (type === 'message') return { ...item, role: 'assistant', content: content.map(toPart) };
  if (type !== 'reasoning') return { ...item, ...(content && { content }) };
  const texts = (kind: string, list: string[] = []) => list.map((text) => ({ type: kind, text }));
  return { ...item, summary: texts('summary_text', summary), content: texts('reasoning_text', content) };
}

function toPart({ type, text, annotations = [] }: Json): Json {
  return type === 'refusal' ? { type, refusal: text } : { type, text, annotations, logprobs: [] };
}

function ofItem(item: Json): Json[] {
  const open = { ...item, status: 'in_progress' };
  const item_id = item.id;
  const added = (members: object) => ({ type: 'response.output_item.added', item: { ...open, ...members } });
  const done = { type: 'response.output_item.done', item };
  switch (item.type) {
    case 'message':
      return [added({ content: [] }), ...ofParts(item, 'content'), done];
    case 'reasoning': {
      const { encrypted_content, ...rest } = open;
      const begun = { ...added({}), item: { ...rest, summary: [], content: [] } };
      return [begun, ...ofParts(item, 'summary'), ...ofParts(item, 'content'), done];
    }
    case 'function_call': {
      const type = 'response.function_call_arguments';
      const deltas = pieces(item.arguments).map((delta) => ({ type: `${type}.delta`, item_id, delta }));
      const whole = { type: `${type}.done`, item_id, name: item.name, arguments: item.arguments };
      return [added({ arguments: '' }), ...deltas, whole, done];
    }
    default:
      return [added({}), done];
  }
}

function ofParts(item: Json, list: 'content' | 'summary'): Json[] {
  const part = list === 'summary' ? 'response.reasoning_summary_part' : 'response.content_part';
  return item[list].flatMap((whole: Json, index: number) => {
    const field = whole.type === 'refusal' ? 'refusal' : 'text';
    const kind = whole.type === 'summary_text' ? 'reasoning_summary_text' : whole.type;
    const place = { item_id: item.id, [`${list}_index`]: index };
    const { annotations = [] } = whole;
    return [
      {
        type: `${part}.added`,
        ...place,
        part: { ...whole, [field]: '', ...(whole.annotations && { annotations: [] }) },
      },
      ...pieces(whole[field]).map((delta) => ({ type: `response.${kind}.delta`, ...place, delta })),
      ...annotations.map((annotation: Json, annotation_index: number) => {
        return { type: 'response.output_text.annotation.added', ...place, annotation_index, annotation };
      }),
      { type: `response.${kind}.done`, ...place, [field]: whole[field] },
      { type: `${part}.done`, ...place, part: whole },
    ];
  });
}

/** A text in as many pieces as it has words. */
function pieces(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
