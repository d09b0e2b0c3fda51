// antiphon/node: the whole product, and its parts for a root of one's own.

export { codecs } from '../shim/codecs.ts';
export { readConfigFile } from '../shim/config-file.ts';
export { findDocsScript } from '../shim/docs-script.ts';
export { createEgress, type EgressConnections } from '../shim/egress.ts';
export { type HttpOptions, serveHttp } from '../shim/http.ts';
export { defaultInFlight } from '../shim/memory-limit.ts';
export { createPageReducer } from '../shim/pages/page-processes.ts';
export { type Product, type ProductOptions, startProduct } from '../shim/product.ts';
export type { Running } from '../shim/running.ts';
export { readTls, type Tls } from '../shim/tls.ts';
export { loadTokenizer } from '../shim/tokenizer.ts';
export { type Connections, createTransport } from '../shim/transport.ts';
