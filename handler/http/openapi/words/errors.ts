import type { ErrorKind } from '../../../errors.ts';

/** When each kind of error is answered, in a few words. Those of WebSockets, and of clients that have left, are not on the page. */
export const errorWords: Readonly<Partial<Record<ErrorKind, string>>> = {
  malformed_json: 'the body is no JSON, or has too many members or levels',
  path: 'the path is not in its normal form',
  corrupt_body: 'the body is not valid in its `content-encoding`',
  missing: 'a field is required',
  invalid_type: 'a field has the wrong type',
  invalid_value: 'a field is out of range, or not one of the values there are',
  unsupported: 'a field is known, and cannot be honoured by this server or this model',
  refused: 'fields exclude each other, or what is asked for was not kept',
  previous_not_found: '`previous_response_id` names no response that is stored',
  previous_not_usable: 'the response that it names failed, was cancelled, or is still being made',
  unreadable: '`encrypted_content` was sealed elsewhere, or was changed',
  conversation_locked: 'another turn is being made in the conversation',
  model_refused: "the model's server refused what the client sent",
  context_length: 'what the model would read is larger than its context, or than `limits.history`',
  credentials: 'no credential that counts here',
  permissions: 'the credential lacks the scope',
  model_access: 'the credential does not allow the model',
  host: 'the `Host` is not one of `hosts`',
  origin: 'the `Origin` is not one of `cors.origins`',
  not_found: 'there is no such response, conversation, item or prompt',
  model_not_found: 'no entry of `models` matches, or its server does not have it',
  idempotency_in_progress: 'the first request with this `Idempotency-Key` is still running',
  shredded: 'the key was dropped under which it was encrypted',
  too_large: 'the body is larger than `limits.body`, or than `limits.inflated` once decompressed',
  unsupported_media: 'the body is not JSON, or in an encoding that is not known',
  connector: 'a tool of the request connects to what does not answer, or refuses it',
  rate_limit: "the model's server has a limit of its own",
  quota: "a budget of the caller's, or the account at the model's server, has nothing left",
  caller_limit: 'the caller has as much under way as `limits.perCaller`, its key, or its tenant allows',
  allowance: 'as much was used in this minute as the key, the user, the tenant or the model may',
  overloaded: 'as much is held as `limits.inFlight` or `limits.turns` allow, or the database does not answer',
  stopping: 'the server stops',
  storage_full: 'the database holds `limits.stored`, the tenant has `storedBytes`, or the disk is full',
  server: "the model's server or Antiphon failed",
};

/** Errors of every request. */
export const OF_ALL: readonly ErrorKind[] = [
  'path',
  'credentials',
  'permissions',
  'host',
  'origin',
  'overloaded',
  'stopping',
  'server',
];

/** Errors of every request with a body. */
export const OF_BODIES: readonly ErrorKind[] = [
  ...(['malformed_json', 'corrupt_body', 'missing', 'invalid_type', 'invalid_value'] as const),
  ...(['too_large', 'unsupported_media'] as const),
];
