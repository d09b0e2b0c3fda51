// antiphon/codecs: the content-encodings for Node, Deno and Bun. An entry of its own, since antiphon/node is for Node alone.

export { codecs } from '../shim/codecs.ts';
