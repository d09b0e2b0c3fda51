import assert from 'node:assert/strict';
import { callsFunctions, replies, says, type Turn } from '../support/model/scripted.ts';
import { checkEvent, checkResponse } from '../support/open-responses.ts';
import { NEEDS_SOCKET, type TestSocket, withSocket } from '../support/socket.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, modelInput } from './state-ask.ts';

// What the specification of Open Responses and its acceptance tests demand over a WebSocket.

const SUITE = 'openresponses/openresponses: src/lib/compliance-tests.ts';
const UNSTORED = { store: false };

/** Asks for a response that is completed, and holds all of it to the schema. */
async function completes(socket: TestSocket, event: object) {
  const { events, final } = await socket.create(event);
  for (const one of events) checkEvent(one);
  checkResponse(final);
  assert.equal(final.status, 'completed');
  return final;
}

/** Sends an event that must come to an error, whose code is this. */
async function refused(socket: TestSocket, event: object, code?: string): Promise<void> {
  socket.send({ type: 'response.create', input: 'Go on.', ...UNSTORED, ...event });
  const { type, status, error } = await socket.next();
  assert.equal(type, 'error');
  assert.ok(Number.isInteger(status) && typeof error.message === 'string', JSON.stringify(error));
  if (code !== undefined) assert.equal(error.code, code);
}

promise(
  'open-responses.socket',
  { says: 'responses on one WebSocket come one after another, each whole, stored or not', source: SUITE },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), says('two'), says('three'));
      const input = [{ type: 'message', role: 'user', content: 'Count from 1 to 3.' }];
      await completes(socket, { model, input });
      await completes(socket, { model, input: 'first', ...UNSTORED });
      await completes(socket, { model, input: 'second', ...UNSTORED });
      assert.deepEqual(modelInput(door, model), ['user: second']);
    }),
  NEEDS_SOCKET,
);

promise(
  'open-responses.socket-continues',
  { says: 'previous_response_id and new input alone go on from an unstored response', source: SUITE },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('OK'), says('cobalt'));
      const { id } = await completes(socket, { model, input: 'The word is cobalt.', ...UNSTORED });
      await completes(socket, { model, input: 'The word?', previous_response_id: id, ...UNSTORED });
      assert.deepEqual(modelInput(door, model), ['user: The word is cobalt.', 'assistant: OK', 'user: The word?']);
    }),
  NEEDS_SOCKET,
);

promise(
  'open-responses.socket-reconnects',
  {
    says: 'on a new WebSocket an unstored response, or one that never was, is previous_response_not_found, and a new chain can begin',
    source: SUITE,
  },
  async (door) => {
    const model = door.model.script(says('OK'), says('recovered'));
    let id = '';
    await withSocket(door, async (socket) => {
      id = (await completes(socket, { model, ...UNSTORED })).id;
    });
    await withSocket(door, async (socket) => {
      for (const previous_response_id of [id, 'resp_openresponses_missing']) {
        await refused(socket, { model, previous_response_id }, 'previous_response_not_found');
      }
      await completes(socket, { model, ...UNSTORED });
    });
  },
  NEEDS_SOCKET,
);

promise(
  'open-responses.socket-forgets',
  {
    says: 'an unstored response is forgotten when a continuation of it was refused or failed, and a stored one is not',
    source: SUITE,
  },
  (door) =>
    withSocket(door, async (socket) => {
      const tools = [{ type: 'function', name: 'weather', parameters: {} }];
      const answersNothing = { input: [{ type: 'function_call_output', call_id: 'call_nobody', output: '' }] };
      const wrong: object[] = [answersNothing, { temperature: 'hot' }, { model: 'nobody-knows' }, { generate: 1 }];
      for (const store of [false, true]) {
        for (const body of wrong) {
          const model = door.model.script(says('OK'), says('Still here'));
          const { id: previous_response_id } = await completes(socket, { model, store });
          await refused(socket, { model, previous_response_id, ...body });
          if (store) await completes(socket, { model, previous_response_id });
          else await refused(socket, { model, previous_response_id }, 'previous_response_not_found');
        }
        const breaksOff = async (turn: Turn) => {
          await turn.text('Hel');
          turn.end(); // without its end
        };
        // Deno sends a call again whose connection was cut before its answer, so that is none of these.
        for (const script of [replies(500, {}), replies(429, {}), breaksOff]) {
          const calls = callsFunctions({ name: 'weather', args: '{}', id: 'call_a' });
          const model = door.model.script(calls, script, says('Still here'));
          const { id: previous_response_id } = await completes(socket, { model, tools, store });
          const output = { type: 'function_call_output', call_id: 'call_a', output: 'sun' };
          const next = { model, tools, input: [output], previous_response_id };
          if (script !== breaksOff) await refused(socket, { ...next, store });
          else assert.equal((await socket.create({ ...next, store })).final.status, 'failed');
          if (store) await completes(socket, next);
          else await refused(socket, next, 'previous_response_not_found');
        }
      }
    }),
  NEEDS_SOCKET,
);

promise(
  'open-responses.socket-compacted',
  { says: 'a new chain begins with what the compact endpoint gave', source: SUITE },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('The word is slate.'), says('compacted'));
      const input = [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'The word is slate.' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'OK.' }] },
      ];
      const { output } = await have<{ output: object[] }>(door, 'POST', '/v1/responses/compact', { model, input });
      const more = { type: 'message', role: 'user', content: 'The word?' };
      await completes(socket, { model, input: [...output, more], tools: [], ...UNSTORED });
      assert.match(modelInput(door, model).join('\n'), /slate.*user: The word\?$/s);
    }),
  { ...NEEDS_SOCKET, ...NEEDS_HEADERS },
);
