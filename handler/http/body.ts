import type { Context } from 'hono';
import { ByteList, join } from '../byte-list.ts';
import { decompress } from '../decompress.ts';
import { ApiError, wordOf } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import { parseClientJson } from '../parse-json.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Services } from '../service/services.ts';
import { checkOrigin } from './check-origin.ts';
import type { Env } from './env.ts';

/** A content-type for JSON. A client that sets it twice sends both, with a comma. */
const JSON_TYPE = /^\s*application\/([\w.+-]+\+)?json\s*(;|$)/i;

/**
 * A request's body as a JSON object, decompressed. Throws an ApiError: 415 for a content-type that is not JSON (a
 * missing one counts as JSON, except from a page), 413 above the limits, 400 for invalid or excessive JSON, 422 for
 * no object, `overloaded` without memory for it. An empty body is `otherwise`, if given.
 */
export async function readJson(
  c: Context<Env>,
  services: Pick<Services, 'limits' | 'codecs'>,
  otherwise?: JsonObject,
): Promise<JsonObject> {
  const request = c.req.raw;
  const type = request.headers.get('content-type');
  // A page can send an untyped body anywhere without a preflight; a JSON type needs one.
  if (!type && request.headers.has('origin')) {
    throw new ApiError('unsupported_media', 'From a page the content-type must be application/json.');
  }
  if (type && !type.split(',').every((one) => JSON_TYPE.test(one))) {
    const given = wordOf(type);
    throw new ApiError(
      'unsupported_media',
      `The content-type must be application/json${given ? `, not ${given}` : ''}.`,
    );
  }
  return objectOf(await readInflated(c, services, fixedLimits.parsed), otherwise);
}

/**
 * A request's body as a form, as its bytes, decompressed. Throws an ApiError as `readJson` does, and 403 for a page of another origin: pages
 * may send forms anywhere without a preflight.
 */
export function readForm(
  c: Context<Env>,
  services: Pick<Services, 'limits' | 'codecs' | 'origins'>,
): Promise<Uint8Array> {
  checkOrigin(c, services.origins);
  const type = c.req.header('content-type');
  if (type === undefined || !/^multipart\/form-data\s*;/i.test(type)) {
    const given = wordOf(type?.split(';')[0]);
    throw new ApiError(
      'unsupported_media',
      `The content-type must be multipart/form-data${given ? `, not ${given}` : ''}.`,
    );
  }
  return readInflated(c, services, 1);
}

/** The bytes of a body, decompressed, which take the request's memory so many times. */
async function readInflated(
  c: Context<Env>,
  { limits, codecs }: Pick<Services, 'limits' | 'codecs'>,
  times: number,
): Promise<Uint8Array> {
  const request = c.req.raw;
  const memory = c.get('memory');
  const encoding = request.headers.get('content-encoding');
  const arriving = memory.budget.arriving.open();
  try {
    const sentBytes = await readBytes(request, limits.body, arriving).catch(throwCancelled);
    const largest = Math.floor(memory.budget.limit / times);
    const take = (bytes: number) => memory.take(times * bytes);
    if (encoding) return await decompress(sentBytes, encoding, Math.min(limits.inflated, largest), codecs, take);
    if (sentBytes.length > largest) throw tooLarge(largest, 'inFlight');
    take(sentBytes.length);
    return sentBytes;
  } finally {
    arriving.close();
  }
}

function objectOf(bytes: Uint8Array, otherwise: JsonObject | undefined): JsonObject {
  if (bytes.length === 0 && otherwise) return otherwise;
  if (bytes.length === 0) throw new ApiError('malformed_json', 'The request body is empty; it must be a JSON object.');
  const value = parseClientJson(bytes, 'the JSON body of your request');
  if (!isObject(value)) throw new ApiError('invalid_type', 'The request body must be an object.');
  return value;
}

/** Reads the body, and reserves memory as bytes arrive: an announced length alone takes none. */
async function readBytes(request: Request, limit: number, arriving: Reservation): Promise<Uint8Array> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  // Servers enforce a declared length, and reading a small body at once is faster.
  if (declared !== null && Number(declared) <= fixedLimits.uncounted)
    return new Uint8Array(await request.arrayBuffer());
  const chunks = new ByteList();
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    if (size > fixedLimits.uncounted) arriving.take(chunk.length);
    chunks.add(chunk);
  }
  return join(chunks.end(), size);
}

/** Throws `cancelled`: only a client that leaves ends a body early. */
function throwCancelled(error: unknown): never {
  if (error instanceof ApiError) throw error;
  throw new ApiError('cancelled', 'The client has left in the middle of its request.', { cause: error });
}

function tooLarge(limit: number, key: 'body' | 'inFlight' = 'body'): ApiError {
  return new ApiError(
    'too_large',
    `The request body is larger than ${limit} bytes (\`limits.${key}\` in the configuration).`,
  );
}
