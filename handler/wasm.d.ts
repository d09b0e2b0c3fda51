/** WebAssembly as Workers import it: compiled, not yet started. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

/** As much of Node's library as the worker uses; workerd has it without a flag. */
declare module 'node:zlib' {
  const zlib: import('./codec/zstd.ts').NodeZlib;
  export const { createZstdDecompress, zstdDecompressSync }: typeof zlib;
}
