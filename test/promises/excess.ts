import assert from 'node:assert/strict';
import { brotliCompressSync, constants } from 'node:zlib';
import { type Door, post } from '../support/doors/door.ts';
import { says, type Turn } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, withSocket } from '../support/socket.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const lists = (count: number) => `[${'[],'.repeat(count - 1)}[]]`;
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Requests that hold a value where nothing of ours reads it, where a tool has it, and where it is of a wrong type. */
const requests = (model: string, value: string) => [
  `{"model":"${model}","input":"Hi","unknown":${value}}`,
  `{"model":"${model}","input":"Hi","tools":[{"type":"function","name":"f","parameters":{"enum":${value}}}]}`,
  `{"model":"${model}","input":${value}}`,
];

/** Brotli of a request that has 64 MiB, less a little, of something in its middle: some 300 bytes. */
function stuffed(begin: string, piece: string, end: string): Uint8Array {
  const middle = Buffer.alloc(60 * 1024 * 1024, piece);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return brotliCompressSync(Buffer.concat([Buffer.from(begin), middle, Buffer.from(end)]), { params });
}

const tooMany = { status: 400, code: 400, message: /more than 250000 members/ };
const tooDeep = { status: 400, code: 400, message: /deeper than 128 levels/ };

async function goesOn(door: Door): Promise<void> {
  await create(door, { model: door.model.script(says('still here')) });
}

promise(
  'body.members',
  {
    says: 'JSON with more than 250,000 members is 400, wherever they are, and fewer are taken',
    source: 'docs/limits.md',
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    for (const body of requests(model, lists(250_000))) await refuses(await post(door, body), tooMany);
    // Quotes, brackets and commas within texts are none.
    const text = JSON.stringify('\\",[{'.repeat(20_000));
    const numbers = `[${'1,'.repeat(240_000)}1]`;
    await create(door, JSON.parse(`{"model":"${model}","unknown":[${text},${numbers}]}`));
    await goesOn(door);
  },
);

promise(
  'body.depth',
  {
    says: 'JSON that is nested deeper than 128 levels is 400, or refused by its field, and breaks nothing',
    source: 'docs/limits.md',
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    for (const depth of [129, 200_000]) {
      for (const body of requests(model, nested(depth))) await refuses(await post(door, body.padEnd(70_000)), tooDeep);
    }
    await create(door, JSON.parse(`{"model":"${model}","unknown":${nested(127)},"other":"${'[{'.repeat(40_000)}"}`));
    // What is not scanned may be as deep as it is long.
    for (const body of requests(model, nested(32_700))) {
      const reply = await post(door, body);
      assert.ok([200, 400, 422].includes(reply.status), `${reply.status}`);
      await reply.text();
    }
    await goesOn(door);
  },
);

promise(
  'body.excess-packed',
  {
    says: 'six requests at once of 64 MiB of lists or levels, in 300 bytes each, are refused, and break nothing',
    source: 'docs/limits.md',
  },
  async (door) => {
    const begin = '{"model":"demo","input":"Hi",';
    const bodies = [
      stuffed(`${begin}"unknown":[`, '[],', '[]]}'),
      stuffed(`${begin}"tools":[{"type":"function","name":"f","parameters":{"enum":[`, '[],', '[]]}}]}'),
      stuffed(`${begin}"unknown":`, '[', ''),
    ];
    const headers = { 'content-encoding': 'br' };
    for (const body of bodies) {
      const replies = await Promise.all(Array.from({ length: 6 }, () => post(door, body, { headers })));
      for (const reply of replies) await refuses(reply, { status: 413, code: 'request_too_large' });
    }
    await goesOn(door);
  },
  NEEDS_HEADERS,
);

promise(
  'backend.excess',
  {
    says: 'JSON from a backend that is nested deeper than 128 levels is a 500, and breaks nothing',
    source: 'docs/limits.md',
  },
  async (door) => {
    const { model } = door;
    const failed = { status: 500, code: 500 };
    const tells = model.script(async (turn) => {
      await turn.raw(`data: {"choices":[],"unknown":${nested(200_000)}}\n\n`);
      await turn.finish();
    });
    await refuses(await post(door, { model: tells, input: 'Hi' }), failed);
    for (const depth of [32_000, 100_000]) {
      const breaks = (turn: Turn) => turn.raw(`data: {"type":"error","error":${nested(depth)}}\n\n`);
      for (const name of [model.script(breaks), model.native(breaks), model.anthropic(breaks)]) {
        await refuses(await post(door, { model: name, input: 'Hi' }), failed);
      }
    }
    await goesOn(door);
  },
);

promise(
  'websocket.excess',
  {
    says: 'a message whose JSON has more than 250,000 members, or is nested deeper than 128 levels, is a 400, and the connection goes on',
    source: 'docs/limits.md',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('ok'));
      for (const [value, { message }] of [
        [lists(250_000), tooMany],
        [nested(200_000), tooDeep],
      ] as const) {
        for (const request of requests(model, value)) {
          socket.send(request.replace('{', '{"type":"response.create",'));
          const { type, status, error } = await socket.next();
          assert.deepEqual([type, status], ['error', 400]);
          assert.match(error.message, message);
        }
      }
      await socket.create({ model });
    }),
  NEEDS_SOCKET,
);
