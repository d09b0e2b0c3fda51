import { ApiError } from '../errors.ts';
import type { Secret } from '../seal.ts';
import type { Database } from './database/database.ts';
import type { TenantKey } from './tenant-keys.ts';

/** A database whose confidential values are encrypted, each under a key of its tenant. */
export interface Encryption {
  /**
   * For all tenants: it encrypts what is written, and gives what rows with their `tenant` have, as it is stored where that cannot
   * be read, so that one tenant's rows stop nobody else's.
   */
  readonly shared: Database;
  /**
   * For one partition, on top of `shared`: its batches give all texts, or reject with an ApiError that `isUnreadable`. What they
   * write is written then.
   */
  of(shared: Database, partition: string): Database;
  /** Rejects with a ConfigError if a key of each secret that wraps some does not open with these secrets. */
  check(keys: readonly TenantKey[], secrets: readonly Secret[]): Promise<void>;
  /** Takes other secrets: the first that is long enough wraps new keys, all of them open. */
  setSecrets(secrets: readonly Secret[]): void;
}

/** What `openEncryption` is made from. */
export interface EncryptionOptions {
  database: Database;
  secrets: readonly Secret[];
  /** Whether what is written is encrypted. What was is read in any case. */
  encrypts: boolean;
  /** Default: by WebCrypto. */
  openCipher?: OpenCipher | undefined;
  /** Told of each text that cannot be read, perhaps more than once. Default: the log, unless the key was dropped. */
  unreadable?: ((partition: string, error: UnreadableText) => void) | undefined;
  /** Called when the key of a tenant was dropped, here or elsewhere: what this process remembers of its texts has to go. */
  dropped(tenant: string): void;
}

/** AES-256-GCM with one key: texts as base64 of an IV of 12 bytes, what is encrypted, and a tag of 16. */
export interface TextCipher {
  encrypt(text: string, bound: string): string | Promise<string>;
  /** Throws or rejects if anything is not as it was, `bound` included. */
  decrypt(base64: string, bound: string): string | Promise<string>;
}

/** Opens the cipher of a key, which has 32 bytes. */
export type OpenCipher = (key: Uint8Array<ArrayBuffer>) => TextCipher | Promise<TextCipher>;

/** Opens an Encryption. */
export type OpenEncryption = (options: EncryptionOptions) => Encryption;

/** Why a stored text cannot be read: its tenant's key was dropped, or it is not as it was written. */
export class UnreadableText extends Error {
  override readonly name = 'UnreadableText';
}

/** Whether an error says that stored texts of a tenant cannot be read, now or ever. */
export function isUnreadable(error: unknown): error is ApiError {
  return error instanceof ApiError && error.cause instanceof UnreadableText;
}
