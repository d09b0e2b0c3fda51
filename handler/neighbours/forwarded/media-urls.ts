import { ApiError } from '../../errors.ts';
import type { FindMedia } from '../../media.ts';
import { isObject, isShallow } from '../../protocol/json.ts';

/** Members that hold a URL which a model's server fetches, or an object with it as `url`: `image_url`, `video_url`, `file_url` and so on. */
const HOLDER = /(^|_)url$/;

/**
 * Throws an ApiError, 422, for the first URL in a request that the media rules forbid, and for what is nested too deep to be passed on. Every API has its own places for them, so they are
 * found by the names of members.
 */
export function refuseMediaIn(request: object, findMedia: FindMedia): void {
  const deep = Object.entries(request).find(([, value]) => !isShallow(value));
  if (deep) throw new ApiError('invalid_value', `${deep[0]} is nested too deep`, { param: deep[0] });
  for (const [path, url] of urlsIn(request, '')) {
    const wrong = findMedia([{ type: 'input_image', image_url: url, detail: 'auto' }]);
    if (wrong) throw new ApiError('invalid_value', `${path} ${wrong.why}`, { param: path });
  }
}

function* urlsIn(value: object, path: string): Generator<[path: string, url: string]> {
  const isList = Array.isArray(value);
  for (const [name, inner] of Object.entries(value)) {
    const at = isList ? `${path}[${name}]` : `${path}${path && '.'}${name}`;
    if (!isList && HOLDER.test(name)) {
      if (typeof inner === 'string') yield [at, inner];
      else if (isObject(inner) && typeof inner.url === 'string') yield [`${at}.url`, inner.url];
    } else if (typeof inner === 'object' && inner !== null) yield* urlsIn(inner, at);
  }
}
