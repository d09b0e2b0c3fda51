import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callsFunctions, replies, type Script, says } from '../support/model/scripted.ts';
import { type ClientsDoor, openForClients } from './door.ts';
import { heard } from './heard.ts';
import { type Client, start } from './run.ts';
import { CALL, ROUND } from './scenarios.ts';

/** What a typed client has of a failure; `unread` is what it says of one that it cannot read. */
interface Fault {
  name?: string;
  status: number;
  code: string | null;
  type: string | null;
  param: string | null;
  message: string;
}

/** A failure: what the client does, how the model answers, and what the client is to have of it. */
interface Case {
  scenario: 'create' | 'stream' | 'too-small' | 'retrieve';
  script?: Script;
  model?: string;
  fault: Partial<Fault>;
}

const refused = (status: number, message: string) => replies(status, { error: { message } });
const busy = replies(429, {}, { 'retry-after': '0' });
const OVERFLOW = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.";
const QUOTA = 'You have insufficient credits to make this request.';

/** Failures as OpenAI would tell them. */
const FAULTS: Record<string, Case> = {
  'an unknown model': {
    scenario: 'create',
    model: 'nobody',
    fault: { status: 400, code: 'model_not_found', type: 'invalid_request_error', param: 'model' },
  },
  'an unknown model, streamed': {
    scenario: 'stream',
    model: 'nobody',
    fault: { status: 400, code: 'model_not_found', type: 'invalid_request_error', param: 'model' },
  },
  'a value beyond its bounds': {
    scenario: 'too-small',
    fault: { status: 400, code: 'integer_below_min_value', param: 'max_output_tokens' },
  },
  'a response that is not there': { scenario: 'retrieve', fault: { status: 404, type: 'invalid_request_error' } },
  'a context that is too small': {
    scenario: 'create',
    script: refused(400, OVERFLOW),
    fault: { status: 400, code: 'context_length_exceeded', param: 'input' },
  },
  'a context that is too small, streamed': {
    scenario: 'stream',
    script: refused(400, OVERFLOW),
    fault: { code: 'context_length_exceeded' },
  },
  'a stream that breaks off': {
    scenario: 'stream',
    script: async (turn) => {
      await turn.text('Hel');
      turn.cut();
    },
    fault: { code: 'server_error' },
  },
  'a model that is busy': {
    scenario: 'create',
    script: busy,
    fault: { status: 429, code: 'rate_limit_exceeded' },
  },
  'a model that is busy, streamed': {
    scenario: 'stream',
    script: busy,
    fault: { status: 429, code: 'rate_limit_exceeded' },
  },
  'a quota that is used up': {
    scenario: 'create',
    script: refused(402, QUOTA),
    fault: { status: 429, code: 'insufficient_quota' },
  },
};

/**
 * Tries a client whose types are strict in replies and failures; `names` are those of its errors, by status. It is skipped for a
 * reason.
 */
export function typedContract(
  open: () => Promise<Client>,
  name: string,
  names: Readonly<Record<number, string>>,
  skip: string | false,
  more: object = {},
): void {
  if (skip) {
    test(name, { skip }, () => {}); // the reason of a suite is not printed
    return;
  }
  describe(name, () => {
    let door: ClientsDoor;
    let client: Client;
    before(async () => {
      client = await open();
      door = await openForClients(more);
    });
    after(() => door?.close());

    const played = async (scenario: Case['scenario'] | 'tool', model: string) => {
      const { result } = await start(client, scenario, door, model).outcome;
      return result;
    };

    for (const scenario of ['create', 'stream'] as const) {
      test(`text: ${scenario}`, { timeout: 120_000 }, async () => {
        assert.deepEqual(await played(scenario, door.model.script(says('Hel', 'lo'))), { text: 'Hello' });
      });
    }

    test('a call of a function, and what follows its output', { timeout: 120_000 }, async () => {
      const model = door.model.script(callsFunctions(CALL), says('Warm.'));
      assert.deepEqual(await played('tool', model), { text: 'Warm.' });
      assert.deepEqual(heard(door, model), ['user: Hi', ...ROUND]);
    });

    for (const [what, { scenario, script, model, fault }] of Object.entries(FAULTS)) {
      test(what, { timeout: 120_000 }, async () => {
        const result = await played(scenario, model ?? door.model.script(...(script ? [script] : [])));
        const { status } = fault;
        assert.partialDeepStrictEqual(result, { ...fault, ...(status && names[status] && { name: names[status] }) });
      });
    }

    test('a failure of the model', { timeout: 120_000 }, async () => {
      const result = await played('create', door.model.script(refused(401, 'Invalid API key')));
      assert.equal(result.status, 500, JSON.stringify(result));
      assert.match(result.message, /refused our credentials/);
    });
  });
}
