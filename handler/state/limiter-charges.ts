import { tenantOf } from '../caller.ts';
import { fixedLimits } from '../limits.ts';
import { describe, log } from '../log.ts';
import {
  type LimiterCharges,
  type LimiterEntry,
  type LimiterSettings,
  type LimiterValue,
  limiterTokens,
  type RateLimiter,
} from '../rate-limiter.ts';
import { costsOf } from './charge-sums.ts';
import type { Row } from './database/database.ts';

/** Kinds of turns that an Envoy's rate limit filter does not see the end of. */
const UNSEEN = new Set<unknown>(['websocket', 'background']);

/** The most that the service adds at a time. */
const MAX_HITS = 2 ** 32 - 1;

/** The column of what a descriptor counts; the tenant's has its users beside it. */
const COLUMNS = { user: 'user_name', project: 'project', key: 'key_id', model: 'model' } as const;

/** Charges that were added up and are not yet told to the rate limit service, summed by their descriptors. */
export class LimiterQueue implements LimiterCharges {
  readonly #limiter: RateLimiter;
  readonly #settings: LimiterSettings;
  readonly #waiting = new Map<string, number>();
  #failing = false;

  constructor(limiter: RateLimiter, settings: LimiterSettings) {
    this.#limiter = limiter;
    this.#settings = settings;
  }

  readonly take = (rows: readonly Row[]): void => {
    for (const row of rows) {
      const hits = UNSEEN.has(row.kind) ? this.#hitsOf(row) : 0;
      const entries = Object.entries(this.#settings.descriptor).map(([key, of]) => ({ key, value: entryOf(row, of) }));
      // Who is not known is in no budget, as at Envoy.
      if (hits === 0 || entries.some(({ value }) => value === '')) continue;
      const descriptor = JSON.stringify(entries);
      const waiting = this.#waiting.get(descriptor);
      if (waiting === undefined && this.#waiting.size >= fixedLimits.limiterWaiting) continue;
      this.#waiting.set(descriptor, Math.min((waiting ?? 0) + hits, Number.MAX_SAFE_INTEGER));
    }
  };

  async send(): Promise<void> {
    for (const [descriptor, hits] of [...this.#waiting]) {
      const some = Math.min(hits, MAX_HITS);
      try {
        await this.#limiter.charge(JSON.parse(descriptor) as LimiterEntry[], some); // as `take` wrote it
      } catch (error) {
        if (!this.#failing)
          log.warn('the rate limit service does not take what turns used', { error: describe(error) });
        this.#failing = true;
        return;
      }
      this.#failing = false;
      const left = (this.#waiting.get(descriptor) ?? 0) - some;
      if (left > 0) this.#waiting.set(descriptor, left);
      else this.#waiting.delete(descriptor);
    }
  }

  close(): void {
    this.#limiter.close();
  }

  #hitsOf(row: Row): number {
    const { hits } = this.#settings;
    const column = Object.hasOwn(limiterTokens, hits) ? limiterTokens[hits as keyof typeof limiterTokens] : undefined; // it has it
    if (column) return Number(row[column]);
    return costsOf(row.costs).find(([name]) => name === hits)?.[1] ?? 0;
  }
}

function entryOf(row: Row, of: LimiterValue): string {
  return of === 'tenant' ? tenantOf(String(row.tenant)) : String(row[COLUMNS[of]]);
}
