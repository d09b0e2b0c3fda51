import type { Backend } from '../../handler/backend/backend.ts';
import { backendContract } from '../../handler/backend/contract/index.ts';
import { anyServer, type BackendSubject, modelCall } from '../../handler/backend/contract/subject.ts';
import type { Usage } from '../../handler/protocol/response.ts';
import type { Transport } from '../../handler/transport.ts';
import { createTransport } from '../../shim/transport.ts';
import { tryContract } from './contract.ts';
import { type Script, startScriptedModel, type Wire } from './model/scripted.ts';

export { anyServer, modelCall, userMessage } from '../../handler/backend/contract/subject.ts';

/** What a scripted server says to the calls of a subject. */
export interface SubjectScripts {
  good: Script[];
  talkative: Script;
  endless: Script;
  failing: Script;
  /** One whose stream ends as any does, and the answer does not. */
  brokenOff: Script;
  /** One that ends well, and whose connection stays open. */
  leftOpen: Script;
  /** One that gives up in the middle of a call. */
  gaveUp: Script;
  cut: Script;
  /** One that tells the usage `USED`. */
  counted: Script;
  /** One that ends well after more calls of functions than a turn may have. */
  manyCalls: Script;
}

/** What the model of a script has used. */
export const USED: Usage = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 18,
};

/** A script that says one event of 20 MiB, which is none of the protocol's, before it says what another does. */
function afterLong(script: Script): Script {
  return async (turn) => {
    await turn.raw(`data: {"a":"${'x'.repeat(20 * 1024 * 1024)}"}\n\n`);
    await script(turn);
  };
}

/** A backend before a scripted server, whose protocol may say by a `wire` of its own which model a request is for. */
export async function scriptedSubject(
  open: (url: string, transport: Transport) => Backend,
  { good, talkative, endless, failing, brokenOff, leftOpen, gaveUp, cut, counted, manyCalls }: SubjectScripts,
  profile = anyServer,
  wire: Partial<Wire> = {},
): Promise<BackendSubject> {
  const scripted = await startScriptedModel(wire);
  const { transport, close } = createTransport();
  const call = (script: Script) => modelCall({ model: scripted.script(script) });
  return {
    backend: open(scripted.url, transport),
    profile,
    good: good.map(call),
    talkative: call(talkative),
    endless: call(endless),
    failing: call(failing),
    brokenOff: call(brokenOff),
    leftOpen: call(leftOpen),
    gaveUp: call(gaveUp),
    cut: call(cut),
    counted: { call: call(counted), usage: USED },
    excessive: [call(afterLong(talkative)), call(manyCalls)],
    models: ['scripted-0', 'scripted-1', 'scripted-2'], // as many as the scripted server lists
    server: {
      sent: (model) => scripted.calls(model).map(({ path, body }) => ({ path, body })),
      closed: async (model) => scripted.calls(model).at(-1)?.closed,
    },
    async close() {
      await close();
      await scripted.close();
    },
  };
}

/** Tries what every backend promises. */
export function tryBackend(name: string, open: () => Promise<BackendSubject>): void {
  tryContract(`${name} keeps the contract of a backend`, backendContract, open);
}
