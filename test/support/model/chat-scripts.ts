import type { SubjectScripts } from '../backend-contract.ts';
import { callsFunctions, type Script, says, sends } from './scripted.ts';

const thinks: Script = async (turn) => {
  await turn.delta({ reasoning_content: 'Hm.' });
  await turn.text('Yes');
  await turn.delta({ refusal: 'No.' });
  await turn.delta({ reasoning: 'Hm!' });
  await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }] });
  await turn.delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } }] });
  await turn.delta({ tool_calls: [{ index: 0, function: { arguments: '}' } }] });
  await turn.finish('tool_calls');
};

/** What a Chat Completions server says to the calls of a backend's contract. */
export const chatScripts: SubjectScripts = {
  good: [
    says('Hello', ' world'),
    callsFunctions({ name: 'f', args: '{"a":1}' }, { name: 'g', args: '' }),
    (turn) => turn.finish(),
  ],
  talkative: thinks,
  endless: async (turn) => {
    await turn.text('Well');
    await turn.closed;
  },
  failing: async (turn) => {
    await turn.text('Well');
    turn.cut();
  },
  async brokenOff(turn) {
    await turn.text('Well');
    turn.end();
  },
  async leftOpen(turn) {
    await turn.text('Well.');
    await turn.delta({}, 'stop');
    await turn.raw('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n');
    await turn.closed;
  },
  gaveUp: sends([{ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"a' } }] }], 'abort'),
  cut: sends([{ content: 'cut' }], 'length'),
  counted: sends([{ content: 'Yes' }], 'stop', {
    prompt_tokens: 11,
    prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
    completion_tokens: 7,
    completion_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 18,
  }),
  manyCalls: callsFunctions(...Array.from({ length: 600 }, (_, n) => ({ name: 'f', args: '{}', id: `c${n}` }))),
};
