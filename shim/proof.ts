import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Proof } from './session.ts';

/** Whether the values of a proof's header are the secret, once; in a time that does not tell where they differ. */
export function isProof(values: readonly string[], { value }: Proof): boolean {
  const [actual, expected] = [Buffer.from(values[0] ?? ''), Buffer.from(value)];
  return values.length === 1 && actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** Takes the proof's header out of a request, and says whether it was the secret. */
export function takeProof(incoming: IncomingMessage, proof: Proof): boolean {
  const { headers, headersDistinct, rawHeaders } = incoming;
  const values = headersDistinct[proof.header] ?? [];
  delete headers[proof.header];
  delete headersDistinct[proof.header];
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (rawHeaders[at]?.toLowerCase() === proof.header) rawHeaders.splice(at, 2);
  }
  return isProof(values, proof);
}
