/** Names that the `antiphon` metadata of a turn has for something else. */
export const metadataNames: readonly string[] = [
  'backend',
  'tenant',
  'user',
  'response_id',
  'previous_response_id',
  'conversation',
  'finish',
  'error_code',
];
