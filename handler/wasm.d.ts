/** WebAssembly as Workers import it: compiled, not yet started. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
