import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { brotliCodec, type Codecs, deflateCodec, gzipCodec, zstdCodec } from '../handler/index.ts';

/** Content codecs for Node, Deno and Bun. brotli-wasm cannot be imported as an ES module there. */
export const codecs: Codecs = {
  gzip: gzipCodec,
  deflate: deflateCodec,
  br: brotliCodec(createRequire(import.meta.url)('brotli-wasm')),
  zstd: zstdCodec(zlib),
};
