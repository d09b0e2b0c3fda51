import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { fetchTransport } from '../../handler/index.ts';
import { hangs, startScriptedModel } from '../support/model/scripted.ts';

// Run by Deno and by Bun: a model call that is given up ends, though of its Response only the body is still in use.

const { gc } = globalThis as unknown as { gc(): void }; // a flag puts it there

const model = await startScriptedModel();
const { script } = hangs();
const name = model.script(script);
const leaving = new AbortController();

async function begin(): Promise<AsyncIterator<Uint8Array>> {
  const transport = fetchTransport(fetch);
  const body = JSON.stringify({ model: name });
  const call = { method: 'POST', headers: {}, body, signal: leaving.signal } as const;
  const upstream = await transport(`${model.url}/chat/completions`, call);
  return upstream.body[Symbol.asyncIterator]();
}

const chunks = await begin();
assert.match(new TextDecoder().decode((await chunks.next()).value), /Hel/);
const next = chunks.next();
for (let time = 0; time < 3; time++) {
  gc();
  await setImmediate();
}
leaving.abort(new Error('the client has left'));
await assert.rejects(next, /the client has left/);
await model.calls(name)[0]?.closed;
process.exit();
