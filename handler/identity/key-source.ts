import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { describe, log } from '../log.ts';
import { parseObject } from '../parse-json.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Transport } from '../transport.ts';

/** The keys of an issuer, as a JWK Set has them. The same keys are the same object. */
export interface JwkSet {
  readonly keys: readonly JsonObject[];
}

/** The keys of one issuer, as far as they are known. A server that is away is asked again after `fixedLimits.jwksPause`. */
export interface KeySource {
  /**
   * The keys, fetched if they are older than `fixedLimits.jwksFresh`. Those of before for `fixedLimits.jwksKept` if that fails; a
   * 500 where there are none.
   */
  known(): Promise<JwkSet>;
  /** The same, fetched anew unless they just were, for a key that is not among them. */
  renewed(): Promise<JwkSet>;
}

/** The keys at a URL. `now` is a clock that is never set, in milliseconds. */
export function openKeySource(url: string, transport: Transport, now = () => performance.now()): KeySource {
  const { jwksFresh, jwksKept, jwksPause, jwksTime } = fixedLimits;
  let keys: JwkSet | undefined;
  let fetched = Number.NEGATIVE_INFINITY;
  let asked = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const since = now();
    try {
      keys = await fetchKeys(url, transport);
      fetched = since;
    } catch (error) {
      log.warn('cannot fetch the keys of an issuer', { url, error: describe(error) });
    }
    asking = undefined;
  }

  /** Fetches them at most once a pause, for all who want them; ends after a while, whatever comes. */
  async function renew(): Promise<void> {
    const silence = now() - asked;
    if (!asking || silence > jwksTime) {
      if (silence < jwksPause) return;
      asked = now();
      asking = ask();
    }
    // On Workers the fetch of a request that was cancelled never ends for the others.
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, jwksTime);
    await Promise.race([asking, promise]);
    clearTimeout(timer);
  }

  function latest(): JwkSet {
    if (keys && now() - fetched < jwksKept) return keys;
    throw new ApiError('server', 'The keys by which tokens are checked cannot be fetched now.');
  }

  return {
    async known() {
      if (!keys || now() - fetched >= jwksFresh) await renew();
      return latest();
    },
    async renewed() {
      await renew();
      return latest();
    },
  };
}

async function fetchKeys(url: string, transport: Transport): Promise<JwkSet> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error('no answer in time')), fixedLimits.jwksTime);
  try {
    const { signal } = controller;
    const { status, body } = await transport(url, { method: 'GET', headers: { accept: 'application/json' }, signal });
    if (status !== 200) throw new Error(`status ${status}`);
    const set = parseObject(await textOf(body));
    if (!Array.isArray(set?.keys)) throw new Error('this is no JWK Set: an object with a list of keys');
    return { keys: set.keys.filter(isObject) };
  } finally {
    clearTimeout(timer);
    controller.abort(); // closes what was not read
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > fixedLimits.jwks) throw new Error(`larger than ${fixedLimits.jwks} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
