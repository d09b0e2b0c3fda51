import assert from 'node:assert/strict';
import { gives } from '../support/mcp-server.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { heard } from './heard.ts';
import type { Stage } from './scenarios.ts';

// Turns whose client names a tool that OpenAI hosts, and has a second turn with what it keeps of the first.

const search = { name: 'web_search', args: '{"query":"snow"}', id: 'c1' };
const PNG = 'iVBORw0KGgo=';
const found = [{ file_id: 'file_1', filename: 'rain.txt', score: 0.5, text: 'It is wet.' }];

/** The tools of an MCP server that do what OpenAI hosts. */
const work = [
  { name: 'run', description: 'Runs Python.', run: () => gives('4') },
  { name: 'look_up', description: 'Finds files.', run: () => gives(JSON.stringify(found)) },
  {
    name: 'draw',
    description: 'Draws.',
    run: () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] }),
  },
];

/** Two turns, the first with a search of the web: the client shows what is cited, and sends back what it keeps. */
async function searched({ door, start }: Stage) {
  const { model, client } = start(callsFunctions(search), says('In March 【1】.'), says('two'));
  const { result, error } = await client.outcome;
  assert.equal(error, undefined);
  const url = new URL('/snow', door.web.origin).href;
  const said = `In March ([127.0.0.1](${url})).`;
  assert.deepEqual(result.texts, [said, 'two']);
  assert.equal(result.sources[0], url);
  return { model, said };
}

/** The body of the second turn, whose model reads the results of the first as that of the first did. */
async function webReplay(stage: Stage) {
  const { model, said } = await searched(stage);
  return toldAgain(stage, model, said, ['web_search {"query":"snow"}', 'Snow fell on 12 March 2031.']);
}

/**
 * The same where nothing is kept, by a client that leaves out what is not of OpenAI's API: the model is told what was searched,
 * and what was found if the client `keepsSources`.
 */
export async function webReplayBare(stage: Stage, keepsSources = true) {
  const { door } = stage;
  const { model, said } = await searched(stage);
  const pages = keepsSources ? ['/snow', '/ice', '/trap'].map((path) => new URL(path, door.web.origin).href) : [];
  const told = ['assistant: Searched the web for "snow".', ...pages.map((url) => `- ${url}`)].join('\n');
  assert.deepEqual(heard(door, model), ['user: A', told, `assistant: ${said}`, 'user: B']);
  const body = door.sent(model).at(-1)?.body;
  assert.equal(body.store, false);
}

/** Two turns, the first with a call of a tool of an MCP server in the place of one of OpenAI's, of whose output the model reads this. */
async function workReplay(stage: Stage, name: string, args: string, output: string) {
  stage.door.model.mcp.serve(work, { era: '2026' }, 'work');
  const { model, client } = stage.start(callsFunctions({ name, args, id: 'c1' }), says('So.'), says('two'));
  assert.deepEqual(await client.outcome, { result: { texts: ['So.', 'two'] } });
  return toldAgain(stage, model, 'So.', [`${name} ${args}`, output]);
}

const codeReplay = (stage: Stage) => workReplay(stage, 'code_interpreter', '{"code":"2+2"}', '4');
const filesReplay = (stage: Stage) => workReplay(stage, 'file_search', '{"query":"rain"}', 'It is wet.');
const imageReplay = (stage: Stage) =>
  workReplay(stage, 'image_generation', '{"prompt":"a dog"}', '(An image, which the user sees.)');

/** The body of the second turn, whose model is told of a call as that of the first was. */
function toldAgain({ door }: Stage, model: string, said: string, [call = '', output = '']: readonly string[]) {
  const [before = [], after] = [1, 2].map((n) => heard(door, model, n).map(withoutIds));
  const [user, called, told = ''] = before;
  assert.deepEqual([user, called], ['user: A', `assistant: ${call} #ID`]);
  assert.ok(told.includes(output), told);
  assert.deepEqual(after, [...before, `assistant: ${said}`, 'user: B']);
  const bodies = door.sent(model).map(({ body }) => body);
  assert.equal(bodies.length, 2, 'the client has nothing to run');
  return bodies[1];
}

function withoutIds(line: string): string {
  return line.replace(/^tool \w+:/, 'tool ID:').replace(/#\w+$/, '#ID');
}

/** The same where nothing is kept, by a client that leaves out what is not of OpenAI's API, and keeps encrypted reasoning: the model is told all. */
export async function webReplayCarried(stage: Stage) {
  assert.equal((await webReplay(stage)).store, false);
}

/** What clients are tried in that know the tools. */
export const hostedReplays = {
  async 'web-replay'(stage: Stage) {
    assert.notEqual((await webReplay(stage)).store, false);
  },

  async 'web-replay-stateless'(stage: Stage) {
    assert.equal((await webReplay(stage)).store, false);
  },

  async 'web-replay-stream'(stage: Stage) {
    assert.equal((await webReplay(stage)).stream, true);
  },

  async 'code-replay'(stage: Stage) {
    await codeReplay(stage);
  },

  async 'files-replay'(stage: Stage) {
    await filesReplay(stage);
  },

  async 'image-replay'(stage: Stage) {
    await imageReplay(stage);
  },
};

/** The same of streams, for clients that check each event by a schema. */
export const streamedReplays = {
  async 'code-replay-stream'(stage: Stage) {
    assert.equal((await codeReplay(stage)).stream, true);
  },

  async 'files-replay-stream'(stage: Stage) {
    assert.equal((await filesReplay(stage)).stream, true);
  },

  async 'image-replay-stream'(stage: Stage) {
    assert.equal((await imageReplay(stage)).stream, true);
  },
};
