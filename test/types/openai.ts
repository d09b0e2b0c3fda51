import type OpenAI from 'openai';
import type { ResponseEvent as AnyEvent } from '../../handler/events/events.ts';
import type { OutputItem as AnyOutputItem } from '../../handler/items/item.ts';
import type { HostedType } from '../../handler/protocol/hosted-tools.ts';
import type { Response as AnyResponse, EchoedFunction, Usage } from '../../handler/protocol/response.ts';
import type { RefusalEvent, SteerFailedEvent } from '../../handler/protocol/websocket.ts';
import type { OwnEvent, OwnItem } from './own.ts';

// Our wire types against those of the `openai` package. Nothing here runs: `tsc -p test/types` is the test, and what
// differs stands in its message.

/** What a computer is to do passes through unread; found tools and a prompt come back as they were sent; clients know no items of ours. */
type OutputItem = Exclude<AnyOutputItem, { type: 'computer_call' | 'tool_search_output' | OwnItem }>;
type AsSent = 'prompt';
type Response = Omit<AnyResponse, 'output' | AsSent> & { output: OutputItem[] } & Pick<
    OpenAI.Responses.Response,
    AsSent
  >;
type ResponseEvent = Narrowed<AnyEvent>;
type Narrowed<Event> = Event extends { response: AnyResponse }
  ? Omit<Event, 'response'> & { response: Response }
  : Event extends { item: AnyOutputItem }
    ? Omit<Event, 'item'> & { item: OutputItem }
    : Event;

/**
 * The response as it goes over the wire: the SDK puts `output_text` together itself, the tools of the server's own have
 * types that no client knows, a choice of a hosted tool is shown as it was sent, by any date, and OpenAI itself sends null for the usage of a
 * response in progress and for a format's description that is not there.
 */
type Wire = Omit<OpenAI.Responses.Response, 'output_text' | 'tools' | 'tool_choice' | 'text' | 'usage'> & {
  usage: OpenAI.Responses.ResponseUsage | null;
  tools: { type: string }[];
  tool_choice: OpenAI.Responses.Response['tool_choice'] | { type: HostedType };
  text: Omit<OpenAI.Responses.ResponseTextConfig, 'format'> & { format: Format };
};
type Format =
  | Exclude<OpenAI.Responses.ResponseFormatTextConfig, JsonSchema>
  | (Omit<JsonSchema, 'description'> & { description?: string | null });
type JsonSchema = OpenAI.Responses.ResponseFormatTextJSONSchemaConfig;

/** The official events with the response as it goes over the wire. */
type Official = OnWire<OpenAI.Responses.ResponseStreamEvent>;
type OnWire<Event> = Event extends { response: OpenAI.Responses.Response }
  ? Omit<Event, 'response'> & { response: Wire }
  : Event;

type Type = ResponseEvent['type'];

/** Our event of one type, also where several types share a declaration. */
type Ours<T extends Type, Event = ResponseEvent> = Event extends { type: Type }
  ? T extends Event['type']
    ? Omit<Event, 'type'> & { type: T }
    : never
  : never;

/** The types of event whose members are not as declared. */
type Differing = { [T in Type]: Ours<T> extends Extract<Official, { type: T }> ? never : T }[Type];

/** The kinds of item whose members are not as declared. */
type DifferingItems = {
  [T in OutputItem['type']]: Extract<OutputItem, { type: T }> extends OpenAI.Responses.ResponseOutputItem ? never : T;
}[OutputItem['type']];

/** Members of a response that only features have which are not there yet. */
type Later = 'image' | 'input_transformations' | 'prompt_cache_diagnostics' | 'tool_usage';

/** Compiles only when there are no such names; the compiler's message lists them. */
type None<Names extends string> = Record<Names, never>;

export const eventsWeLack: None<Exclude<Official['type'], Type>> = {};
export const eventsOfOurOwn: None<Exclude<Type, Official['type'] | OwnEvent>> = {};
export const eventsThatDiffer: None<Exclude<Differing, OwnEvent>> = {};
export const itemsThatDiffer: None<DifferingItems> = {};
export const membersWeLack: None<Exclude<keyof Wire, keyof Response | Later>> = {};

/** Compiles only when ours will do where theirs is asked for. */
export const whole = (response: Response): Wire => response;
export const echoed = (tool: EchoedFunction): OpenAI.Responses.FunctionTool => tool;
export const refusal = (event: RefusalEvent): OpenAI.Responses.ResponsesServerEvent.ResponseWsError => event;
export const steer = (
  event: Omit<SteerFailedEvent, 'steer'>, // which goes back as it was sent
): Omit<OpenAI.Responses.ResponseSteerFailedEvent, 'steer'> => event;
export const usage = (usage: Usage): OpenAI.Responses.ResponseUsage => usage;
export const theirUsage = (usage: OpenAI.Responses.ResponseUsage): Usage => usage;
