import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync } from 'node:crypto';
import type { OpenCipher } from '../handler/index.ts';

const ALGORITHM = 'aes-256-gcm';
const [IV_BYTES, TAG_BYTES] = [12, 16];

/** Random bytes for IVs, some hundreds at a time; each is used once. */
const pool = Buffer.alloc(IV_BYTES * 512);
let used = pool.length;

/** The cipher of a key by Node's own functions: of texts as small as most are WebCrypto takes several times as long, in other threads. */
export const openNodeCipher: OpenCipher = (bytes) => {
  const key = createSecretKey(bytes);
  return {
    encrypt(text, bound) {
      const iv = nextIv();
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(bound));
      return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
    },
    decrypt(base64, bound) {
      const whole = Buffer.from(base64, 'base64');
      const end = whole.length - TAG_BYTES;
      if (end < IV_BYTES) throw new Error('it is cut off');
      const decipher = createDecipheriv(ALGORITHM, key, whole.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(bound)).setAuthTag(whole.subarray(end));
      return Buffer.concat([decipher.update(whole.subarray(IV_BYTES, end)), decipher.final()]).toString('utf8');
    },
  };
};

function nextIv(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += IV_BYTES;
  return pool.subarray(used - IV_BYTES, used);
}
