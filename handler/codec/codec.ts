/** A codec's progress since its last piece. */
export interface Piece {
  /** Bytes of its input that it has read. */
  read: number;
  /** Decoded bytes. */
  plain?: Uint8Array | undefined;
}

/**
 * Decodes one content-encoding. It yields after some 16 KiB of input, and before a few hundred KiB of output
 * (deflate: 2 MiB), so that its caller can count, pause and stop. Throws for data that is corrupt, truncated or
 * followed by other data. A declared size above `limit` bytes is an ApiError, 413; its caller stops what only grows
 * larger.
 */
export type Codec = (data: Uint8Array, limit: number) => Iterable<Piece> | AsyncIterable<Piece>;

/** Codecs by the names of their content-encodings; undefined where the runtime has none. */
export type Codecs = Readonly<Record<string, Codec | undefined>>;

/** Input bytes per step. */
export const SLICE_BYTES = 16 * 1024;

/** Output bytes per chunk. */
export const CHUNK_BYTES = 64 * 1024;
