import type { Config, HandlerOptions, Identify, LimiterSettings } from '../handler/index.ts';
import { compileCel } from './cel.ts';
import { codecs } from './codecs.ts';
import { findDocsScript } from './docs-script.ts';
import { loadLimits, openLimits } from './limits.ts';
import { loadTokenizer } from './tokenizer.ts';

/** What the handler gets of libraries. Those that only some configurations or requests use are loaded when they are. */
export const libraries = {
  codecs,
  compileCel,
  openLimits,
  verifyJwt: async (...given) => (await import('../handler/identity/verify-jwt.ts')).verifyJwt(...given),
  docsScript: findDocsScript,
  tokenizer: loadTokenizer,
} satisfies Partial<HandlerOptions>;

/** What the handler has to have from the start, of libraries that only some configurations use, or only callers whom a program identifies. */
export async function librariesFor(
  { secrets, rateLimiter: settings }: Pick<Config, 'secrets' | 'rateLimiter'>,
  identify?: Identify,
): Promise<Partial<HandlerOptions>> {
  if (identify) await loadLimits();
  const limiterCharges = settings && (await openLimiterCharges(settings));
  if (secrets.length === 0) return { limiterCharges };
  const [{ openEncryption }, { openNodeCipher: openCipher }] = await Promise.all([
    import('../handler/encryption/index.ts'),
    import('./node-cipher.ts'),
  ]);
  return { limiterCharges, openEncryption: (options) => openEncryption({ openCipher, ...options }) };
}

async function openLimiterCharges(settings: LimiterSettings) {
  const [{ LimiterQueue }, { openRateLimiter }] = await Promise.all([
    import('../handler/state/limiter-charges.ts'),
    import('./rate-limiter.ts'),
  ]);
  return new LimiterQueue(openRateLimiter(settings), settings);
}
