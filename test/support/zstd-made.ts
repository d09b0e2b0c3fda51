/** What a frame's header says; without a window the frame is one segment, as long as its content. */
export interface FrameHeader {
  /** The byte that describes the window: 0x38 is 128 KiB. */
  window?: number;
  content?: number;
  dictionary?: number;
}

/** A zstd frame of these blocks, under a header that may lie. */
export function frame({ window = 0x38, content, dictionary }: FrameHeader, ...blocks: Uint8Array[]): Buffer {
  const flags = (content === undefined ? 0 : 0xc0) | (dictionary === undefined ? 0 : 3);
  const size = Buffer.alloc(content === undefined ? 0 : 8);
  if (content !== undefined) size.writeBigUInt64LE(BigInt(content));
  const id = Buffer.alloc(dictionary === undefined ? 0 : 4);
  if (dictionary !== undefined) id.writeUInt32LE(dictionary);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, flags, window]), id, size, ...blocks]);
}

/** A block: bytes as they are, one byte repeated, or what a compressed one is made of. */
export function block(kind: 'raw' | 'rle' | 'compressed', bytes: Uint8Array, last = false): Buffer {
  const type = { raw: 0, rle: 1, compressed: 2 }[kind];
  const head = (bytes.length << 3) | (type << 1) | (last ? 1 : 0);
  const header = Buffer.from([head & 255, (head >> 8) & 255, (head >> 16) & 255]);
  return Buffer.concat([header, kind === 'rle' ? bytes.subarray(0, 1) : bytes]);
}

/** A frame that is to be skipped, with so many bytes in it. */
export function skippable(size: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a53, 0);
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, Buffer.alloc(size, 0x28)]);
}

/** As many sequences of one kind as are wanted, in no bits at all: 8 bytes for thousands of copies. */
function sequences(count: number, matchCode: number): Buffer {
  const more = count - 0x7f00;
  return Buffer.from([0, 255, more & 255, more >> 8, 0x54, 0, 0, matchCode, 1]);
}

const begin = block('raw', Buffer.from('ABCDEFGH'));

/** Bodies that cost a decoder far more than their size; some have hung decoders in use. */
export const hostile: Record<string, { body(): Uint8Array; status: 400 | 413 }> = {
  'sequences that write far more than a block may hold': {
    body: () => frame({}, block('compressed', sequences(98_303, 52), true)),
    status: 400,
  },
  'a Huffman code whose table consumes no bits': {
    body: () => {
      const coded = [4, 0xf0, 0x03, 0xff, 0x80, 1, 1, 1, 1];
      const head = 2 | (4 << 4) | (coded.length << 14);
      return frame(
        {},
        block('compressed', Buffer.from([head & 255, (head >> 8) & 255, head >> 16, ...coded, 0]), true),
      );
    },
    status: 400,
  },
  'matches of three bytes without end': {
    body: () => {
      const matches = (last: boolean) => block('compressed', sequences(43_690, 0), last);
      return frame({}, begin, ...Array<Buffer>(30).fill(matches(false)), matches(true));
    },
    status: 413,
  },
  'blocks that each repeat one byte': {
    body: () => {
      const repeated = (last: number) => Buffer.from([2 | last, 0, 16, 0x20]);
      return frame({}, ...Array<Buffer>(1_000).fill(repeated(0)), repeated(1));
    },
    status: 413,
  },
  'blocks of nothing': {
    body: () => frame({ window: 0xa0 }, ...Array<Buffer>(2_000).fill(block('raw', Buffer.alloc(0)))),
    status: 413,
  },
  'frames of nothing, each with a window of 1 GiB': {
    body: () => Buffer.concat(Array<Buffer>(2_000).fill(frame({ window: 0xa0 }, block('raw', Buffer.alloc(0), true)))),
    status: 413,
  },
  'a block that says it is 2 MiB of one byte': {
    body: () => frame({}, Buffer.from([0xfb, 0xff, 0xff, 0x20])),
    status: 400,
  },
};
