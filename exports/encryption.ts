// antiphon/encryption: what is stored, encrypted, for any runtime. An entry of its own, since most have no use for it.

export { openEncryption } from '../handler/encryption/index.ts';
export type { Encryption, EncryptionOptions, OpenEncryption } from '../handler/state/encryption.ts';
