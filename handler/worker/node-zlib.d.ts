/** The part of node:zlib that the Worker uses; workerd has it without a flag. */
declare module 'node:zlib' {
  const zlib: import('../codec/node-brotli.ts').NodeBrotli & import('../codec/zstd.ts').NodeZstd;
  export const { createBrotliDecompress, createZstdDecompress, zstdDecompressSync }: typeof zlib;
}
