import { ApiError } from '../errors.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Database } from './database/database.ts';
import type { WebhookTarget } from './deliveries.ts';
import type { ProcessLease } from './process-lease.ts';

/** What the stores of all tenants share: a database, and the process that reads and writes it. */
export interface SharedStore {
  readonly database: Database;
  readonly lease: ProcessLease;
  /** Where the ends of background responses are told. */
  readonly webhooks: readonly WebhookTarget[];
  /** How long a response is kept, in milliseconds. */
  readonly retention: number;
  /** How long the events of a background response are kept after its end, in milliseconds. */
  readonly logRetention: number;
  /** How large the database may grow, in bytes. */
  readonly stored: number;
  /** The most that is read as a history, or as a page of a list, in bytes. */
  readonly history: number;
}

/** One tenant's part of it, for one request or one background turn. */
export interface TenantStore extends SharedStore {
  readonly tenant: string;
  /** What is read takes its memory from here. */
  readonly memory: Reservation;
}

/** Whether a client's text can be the id of anything: others are unknown, and no database has to be asked. */
export function isId(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text);
}

/** What an unknown id answers, and one of another tenant. */
export function notFound(what: string, param: string | null = null): ApiError {
  return new ApiError('not_found', `The ${what} was not found.`, { param });
}
