import type { ForwardedApi } from '../../backend/backend.ts';
import type { ForwardedKind } from '../../charge.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Schema } from '../../validate.ts';

/** An API whose requests are passed on to servers that speak it: all that tells one from another. */
export interface Endpoint extends ForwardedApi {
  operationId: string;
  summary: string;
  /** The few members of its requests that are read here; all others are passed on as they are. A form is passed on as its bytes. */
  schema: Schema | 'form';
  /** What requests of one session have in common, which prefer one server. Absent where servers keep nothing of them. */
  sessionOf?(request: JsonObject): string;
  /** What it does, in the words of the GenAI conventions. */
  operation: string;
  /** What a charge of it is for. */
  kind: ForwardedKind;
  /** Whether tokens that no server has counted are estimated, as those of a turn are. Else they are no tokens. */
  estimates: boolean;
  /** The media types of its replies, each with a schema or its name in the OpenAPI document. */
  replies: Readonly<Record<string, string | object>>;
}
