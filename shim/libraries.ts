import type { Config, HandlerOptions } from '../handler/index.ts';
import { compileCel } from './cel.ts';
import { codecs } from './codecs.ts';
import { findDocsScript } from './docs-script.ts';
import { loadTokenizer } from './tokenizer.ts';

/** What the handler gets of libraries. Those that only some configurations or requests use are loaded when they are. */
export const libraries = {
  codecs,
  compileCel,
  verifyJwt: async (...given) => (await import('../handler/identity/verify-jwt.ts')).verifyJwt(...given),
  docsScript: findDocsScript,
  tokenizer: loadTokenizer,
} satisfies Partial<HandlerOptions>;

/** What the handler has to have from the start, of libraries that only some configurations use. */
export async function librariesFor({ secrets }: Pick<Config, 'secrets'>): Promise<Partial<HandlerOptions>> {
  if (secrets.length === 0) return {};
  const [{ openEncryption }, { openNodeCipher: openCipher }] = await Promise.all([
    import('../handler/encryption/index.ts'),
    import('./node-cipher.ts'),
  ]);
  return { openEncryption: (options) => openEncryption({ openCipher, ...options }) };
}
