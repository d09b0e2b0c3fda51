/** What was done, or was not allowed. */
export type AuditAction =
  | 'refused'
  | 'listed'
  | 'read'
  | 'changed'
  | 'deleted'
  | 'key_created'
  | 'key_rotated'
  | 'key_revoked'
  | 'tenant_exported'
  | 'tenant_deleted'
  | 'tenant_shredded'
  | 'tenant_key_rotated'
  | 'secrets_rotated';

/** Something that whoever answers for the data may have to account for; never what somebody wrote. What is undefined is not told. */
export interface AuditEvent {
  action: AuditAction;
  /** Who it was, as far as that is known; `key` is the id of a key. */
  tenant?: string | undefined;
  user?: string | undefined;
  project?: string | undefined;
  key?: string | undefined;
  /** The status and code of a refusal. */
  status?: number | undefined;
  code?: string | undefined;
  method?: string | undefined;
  /** The path of a refusal, which may have no route. */
  path?: string | undefined;
  /** The id of the object, and the user who made it, where that is known. */
  object?: string | undefined;
  owner?: string | undefined;
  /** How it came in, from which address, and the id of the request. */
  door?: string | undefined;
  peer?: string | undefined;
  request_id?: string | undefined;
}

/** Takes an event, and returns at once. It never throws: what becomes of the event is told by whoever keeps it. */
export type Audit = (event: AuditEvent) => void;
