import assert from 'node:assert/strict';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';
import { heard } from './heard.ts';
import type { Stage } from './scenarios.ts';

/** Calls a tool by the name that the product gives it for a model that knows functions only. */
export function callsTool(tool: string, args: object): Script {
  return async (turn) => {
    const offered: { function: { name: string } }[] = turn.body.tools ?? [];
    const names = offered.map(({ function: { name } }) => name);
    const name = names.find((name) => name === tool) ?? names.find((name) => name.endsWith(`_${tool}`));
    assert.ok(name, `${tool} is not among ${names.join()}`);
    await callsFunctions({ name, args: JSON.stringify(args), id: 'call_a' })(turn);
  };
}

/** One round of a tool: what the client's own code is handed, and what the model hears of its result. */
function round(tool: string, args: object, handed: unknown, told: RegExp) {
  return async ({ door, start }: Stage) => {
    const { model, client } = start(callsTool(tool, args), says('Done.'));
    assert.deepEqual(await client.seen(), handed);
    assert.deepEqual(await client.outcome, { result: { text: 'Done.' } });
    const [user, , output = ''] = heard(door, model);
    assert.equal(user, 'user: Go');
    assert.match(output, told);
  };
}

/** Tools that are no functions, which the client runs. */
export const clientTools = {
  custom: round('write', { input: 'select 1' }, 'select 1', /^tool call_a: 1 row$/),
  'local-shell': round('local_shell', { command: ['echo', 'hi'] }, ['echo', 'hi'], /^tool call_a: .*hi there/s),
  shell: round('shell', { commands: ['echo hi'] }, ['echo hi'], /^tool call_a: .*hi there/s),
  'apply-patch': round(
    'apply_patch',
    { type: 'create_file', path: 'a.txt', diff: '+hi' },
    { type: 'create_file', path: 'a.txt', diff: '+hi' },
    /^tool call_a: .*written/s,
  ),
};
