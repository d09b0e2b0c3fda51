import { canSeal, type Key, type Secret, wrappingKey } from '../seal.ts';

/** The keys of a deployment's secrets that wrap the keys of tenants. */
export class Keyring {
  #secrets: readonly Secret[];
  #keys = new Map<string, Promise<Key>>();

  constructor(secrets: readonly Secret[]) {
    this.#secrets = secrets;
  }

  setSecrets(secrets: readonly Secret[]): void {
    this.#secrets = secrets;
    this.#keys = new Map();
  }

  /** The first secret that is long enough, which wraps. */
  async newest(): Promise<{ id: string; key: Key }> {
    const first = this.#secrets.find(canSeal);
    if (!first) throw new Error('`secrets` has none of 32 bytes, which tenants’ keys are wrapped by');
    return { id: first.id, key: await this.#derive(first) };
  }

  /** The key of a secret; undefined if there is none of that id. */
  find(id: string): Promise<Key> | undefined {
    const secret = this.#secrets.find((one) => one.id === id);
    return secret && this.#derive(secret);
  }

  #derive(secret: Secret): Promise<Key> {
    const key = this.#keys.get(secret.id) ?? wrappingKey(secret);
    this.#keys.set(secret.id, key);
    return key;
  }
}
