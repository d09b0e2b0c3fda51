import { test } from 'node:test';
import { followGuide } from './support/guide.ts';
import { callsFunctions, says, startScriptedModel } from './support/model/scripted.ts';

test('the guide for curl', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const name = model.script(
    says('Hel', 'lo!'),
    says('Hel', 'lo!'),
    says('Bonjour !'),
    callsFunctions({ name: 'weather', args: '{"city":"Oslo"}' }),
    says('It snows in Oslo, at -3 degrees.'),
  );
  await followGuide(t, 'curl.md', { url: model.url, name });
});
