import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prepare } from '../handler/backend/backend.ts';
import { chatCompletions } from '../handler/backend/chat/index.ts';
import { openServer } from '../handler/backend/server/server.ts';
import { defaultLimits } from '../handler/limits.ts';
import { sealWith } from '../handler/seal.ts';
import { compact, summaryCall } from '../handler/turn/compact.ts';
import { countFirstCall } from '../handler/turn/count-first-call.ts';
import { planTurn } from '../handler/turn/plan.ts';
import { unrecorded } from '../handler/turn/record.ts';
import type { ResolvedRequest } from '../handler/turn/request.ts';
import { runTurn, type Turn } from '../handler/turn/turn.ts';
import { createTransport } from '../shim/transport.ts';
import { anyServer } from './support/backend-contract.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { knownTool, testTool } from './support/test-tool.ts';

const seal = sealWith([{ id: 'k', key: 'a key of thirty-two bytes, at least' }])('t');
const tools = {
  registered: new Map([testTool, knownTool].map((tool) => [tool.type, tool])),
  dropped: new Set<string>(),
};
const { signal } = new AbortController();

/** What a scene works with. `prepare` counts, and prepares what cannot be translated again. */
interface Scene {
  model: ScriptedModel;
  prepare: Prepare;
  plan(request: Partial<ResolvedRequest> & { model: string }): Turn;
  /** Runs a turn to its end; the status of its response. */
  run(turn: Turn): Promise<string | undefined>;
}

/** A case: how often a call was translated, and how often its model was called. */
function translates(
  says: string,
  counts: { translated: number; called: number },
  run: (scene: Scene) => Promise<string>,
) {
  test(says, async (t) => {
    const model = await startScriptedModel();
    const { transport, close } = createTransport();
    t.after(async () => {
      await close();
      await model.close();
    });
    const backend = chatCompletions(openServer(model.url, undefined, transport));
    let translated = 0;
    const prepare: Prepare = (call) => {
      translated++;
      let over = false;
      const once = {
        ...call,
        get input() {
          assert.ok(!over, 'its input is not read again');
          return call.input;
        },
      };
      const prepared = backend.prepare(once, anyServer);
      over = true;
      return prepared;
    };
    const name = await run({
      model,
      prepare,
      plan: (request) =>
        planTurn(
          { input: 'Hello', prompted: 0, ...request },
          { items: [], previous: null, conversation: null, summaries: new Map() },
          { tools, caller: { id: 'caller' }, limits: defaultLimits, context: undefined },
        ),
      async run(turn) {
        let status: string | undefined;
        const means = {
          prepare,
          limits: { ...defaultLimits, rounds: 4 },
          record: unrecorded,
          seal,
          waiting() {},
          observe() {},
        };
        for await (const event of runTurn(turn, means, signal)) {
          if ('response' in event) status = event.response.status;
        }
        return status;
      },
    });
    assert.deepEqual({ translated, called: model.calls(name).length }, counts);
  });
}

translates('a turn', { translated: 1, called: 1 }, async ({ model, plan, run }) => {
  const name = model.script(says('Hi'));
  assert.equal(await run(plan({ model: name })), 'completed');
  return name;
});

const sum = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });

translates('a turn whose tool runs once', { translated: 2, called: 2 }, async ({ model, plan, run }) => {
  const name = model.script(sum, says('3'));
  assert.equal(await run(plan({ model: name, tools: [{ type: 'known_tool' }] })), 'completed');
  return name;
});

// What cannot be carried is refused before anything is promised: where the functions are known only once their tool is open,
// what is asked of the model before that is translated beside the first call.
translates('a turn whose tool is opened first', { translated: 3, called: 2 }, async ({ model, plan, run }) => {
  const name = model.script(sum, says('3'));
  assert.equal(await run(plan({ model: name, tools: [{ type: 'test_tool' }] })), 'completed');
  return name;
});

// The tools that may be found are translated without what was said.
translates('a turn that searches for a tool', { translated: 3, called: 2 }, async ({ model, plan, run }) => {
  const name = model.script(callsFunctions({ name: 'tool_search', args: '{"query":"f"}' }), says('Found.'));
  const deferred = { type: 'function', name: 'f', defer_loading: true };
  const tools = [{ type: 'tool_search', execution: 'server' }, deferred];
  assert.equal(await run(plan({ model: name, tools })), 'completed');
  return name;
});

translates('a turn that only sums up', { translated: 1, called: 1 }, async ({ model, plan, run }) => {
  const name = model.script(says('In short.'));
  assert.equal(await run(plan({ model: name, compacts: true })), 'completed');
  return name;
});

translates('a turn that sums up last', { translated: 2, called: 2 }, async ({ model, plan, run }) => {
  const name = model.script(says('Hi'), says('In short.'));
  const context_management = [{ type: 'compaction' as const, compact_threshold: 1 }];
  assert.equal(await run(plan({ model: name, context_management })), 'completed');
  return name;
});

translates('the compact endpoint', { translated: 1, called: 1 }, async ({ model, plan, prepare }) => {
  const name = model.script(says('In short.'));
  const { call } = plan({ model: name, compacts: true });
  for await (const _ of compact(prepare(summaryCall(call, undefined)).stream(signal), call.input, seal));
  return name;
});

/** A model whose server counts. */
function counts(model: ScriptedModel): string {
  return model.counting('counted', {
    '/v1/chat/completions/input_tokens': (turn) => turn.reply(200, { input_tokens: 5 }),
  });
}

const means = { personality: null, tokenizer: undefined };

translates('a count', { translated: 1, called: 1 }, async ({ model, plan, prepare }) => {
  const name = counts(model);
  assert.equal(await countFirstCall(prepare, plan({ model: name }), means, signal), 5);
  return name;
});

translates('a count with tools to be opened', { translated: 2, called: 1 }, async ({ model, plan, prepare }) => {
  const name = counts(model);
  const turn = plan({ model: name, tools: [{ type: 'test_tool' }] });
  assert.equal(await countFirstCall(prepare, turn, means, signal), 5);
  return name;
});
