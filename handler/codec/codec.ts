/** What a codec has done since its last piece. */
export interface Piece {
  /** Bytes of its input that it has read. */
  read: number;
  /** Bytes that came of what it has read so far. */
  plain?: Uint8Array | undefined;
}

/**
 * Undoes one content-encoding. It yields after some 16 KiB that it has read, and before a few hundred KiB have come of it
 * (deflate: 2 MiB), so that whoever pulls can count, rest and stop. Throws for data that is corrupt or cut, and where something stands behind its end.
 * What is declared to be larger than `limit` bytes is an ApiError, 413; what only becomes so is for the caller to stop.
 */
export type Codec = (data: Uint8Array, limit: number) => Iterable<Piece> | AsyncIterable<Piece>;

/** Codecs by the names of their content-encodings; undefined where the runtime has none. */
export type Codecs = Readonly<Record<string, Codec | undefined>>;

/** Bytes of input that a codec is given at a time. */
export const SLICE_BYTES = 16 * 1024;

/** Bytes of output that a codec gives at a time. */
export const CHUNK_BYTES = 64 * 1024;
