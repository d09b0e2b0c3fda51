import assert from 'node:assert/strict';
import { defaultLimits } from '../../handler/limits.ts';
import { testConfig } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type Script, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';

/** The product with the limits that it has by default, before a scripted model. */
export interface Scene {
  model: ScriptedModel;
  /** Sends a body, and has the JSON of the reply. */
  send(path: string, body: object): Promise<{ status: number; json: { id: string; type?: string; status: string } }>;
  close(): Promise<void>;
}

/** Something that can be made long, and what is done with it. */
export interface Case {
  says: string;
  /** How long it is at 1 x: long enough to take some milliseconds. */
  size: number;
  run(scene: Scene, n: number): Promise<unknown>;
}

/** What a model is asked, and what it says; it ends well unless it `fails`. */
export interface Asked {
  kind?: 'script' | 'written' | 'native' | 'anthropic';
  /** One script a call. */
  script?: Script | Script[];
  fails?: true;
  /** Where it is sent. Default: `/v1/responses`. */
  path?: '/v1/messages';
  [member: string]: unknown;
}

/** Opens the product. */
export async function openScene(): Promise<Scene> {
  const model = await startScriptedModel();
  const handler = await testHandler(model, { config: { ...testConfig(model), limits: defaultLimits } });
  return {
    model,
    async send(path, body) {
      const headers = { 'content-type': 'application/json', 'anthropic-version': '2026-10-21' };
      const request = new Request(`http://linear.test${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      const reply = await handler.fetch(request);
      return { status: reply.status, json: (await reply.json()) as { id: string; status: string } };
    },
    async close() {
      await handler.close();
      await model.close();
    },
  };
}

/** Has a response made that is to complete, or to fail; what it came to. */
export async function ask(
  { model, send }: Scene,
  { kind = 'script', script = short[kind], fails, path, ...body }: Asked,
) {
  const { status, json } = await send(path ?? '/v1/responses', {
    model: model[kind](...[script].flat()),
    ...(!path && { input: 'Hi', store: false }),
    ...body,
  });
  const isWhole = json.status === 'completed' || json.type === 'message';
  assert.equal(status === 200 && isWhole, !fails, JSON.stringify(json).slice(0, 500));
  return json;
}

/** A short answer in each protocol. */
const short = { script: says('ok'), written: says('ok'), native: answers(message('ok')), anthropic: tells(text('ok')) };

/** As many as are wanted. */
export function many<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

/** A script that sends these events and ends, in few writes. */
export function speaking(events: readonly object[]): Script {
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const isChat = events.some((event) => 'choices' in event);
  return async (turn) => {
    await turn.raw(text);
    if (isChat) await turn.finish();
    turn.end();
  };
}
