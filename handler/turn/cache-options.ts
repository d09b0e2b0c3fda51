import { present } from '../protocol/json.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { AppliedCacheOptions } from '../protocol/response.ts';

type CacheOptions = NonNullable<CreateRequest['prompt_cache_options']>;

/** The options sent to a model server: those that are not null, since null means "not given". */
export function presentOptions(options: CacheOptions): CacheOptions {
  return present(options);
}

/** The options as a response has them, with the API's defaults; `prewarm` is of the request alone. */
export function appliedOptions({ mode, ttl, comparison_response_id: compared }: CacheOptions): AppliedCacheOptions {
  return {
    mode: mode ?? 'implicit',
    ttl: ttl ?? '30m',
    ...(compared != null && { comparison_response_id: compared }),
  };
}
