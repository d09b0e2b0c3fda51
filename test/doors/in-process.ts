import { createRequire } from 'node:module';
import { createHandler } from '../../handler/index.ts';
import { unlessAborted } from '../../shim/race.ts';
import { createTransport } from '../../shim/transport.ts';
import { type ScriptedModel, startScriptedModel } from '../model/scripted.ts';
import { testTool } from '../test-tool.ts';
import { testDatabase } from './database.ts';
import { type Door, doorAt, testConfig } from './door.ts';

/** The handler that the doors in this process open onto, and what closes its connections to the model. */
export async function testHandler(model: ScriptedModel, config = testConfig(model)) {
  const brotli = createRequire(import.meta.url)('brotli-wasm');
  const { transport, close } = createTransport();
  const database = await testDatabase();
  const { fetch, sweep } = createHandler({ config, transport, database, brotli, tools: [testTool] });
  return { fetch, sweep, close };
}

/** The handler called as a function: no network before it. */
export async function openInProcess(): Promise<Door> {
  const model = await startScriptedModel();
  const handler = await testHandler(model);
  const via: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    // What a network does and a function call does not: the client that aborts is told so at once.
    return unlessAborted(handler.fetch(request), request.signal);
  };
  return doorAt('in-process', 'http://in-process', model, handler.close, via);
}
