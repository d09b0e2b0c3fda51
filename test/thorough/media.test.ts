import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../handler/index.ts';
import { mediaFinder } from '../../handler/media.ts';
import { unprocessable } from '../promises/ask.ts';
import { ask, have } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';

const image = (image_url: string) => ({ type: 'input_image', image_url }) as const;
const userInput = (url: string) => [{ role: 'user', content: [image(url)] }];

test('hosts are patterns, and hold for what one parser or another might take for the host', () => {
  const find = mediaFinder({
    schemes: ['http', 'https', 'data', 'gs'],
    hosts: ['*.files.test', 'a.test', 'bucket', '[::1]'],
  });
  const good = [
    'https://a.test',
    'https://A.TEST:8443/b?c#d',
    'http://x.y.files.test/',
    'gs://bucket/a.png',
    'http://[::1]:80/a',
    'data:image/png;base64,AA==',
  ];
  for (const url of good) assert.equal(find([image(url)]), undefined, url);
  const bad = [
    'https://b.test/',
    'https://files.test/',
    'https://a.test.evil.test/',
    'https://a.test@evil.test/',
    'https://evil.test#@a.test/',
    'https://evil.test\\@a.test/',
    'https://a.test\\@evil.test/',
    'https://a.test\\.evil.test/',
    'https:a.test',
    'https:/a.test',
    'https:///a.test',
    'https://evil.test?.files.test',
    'https://evil.test/.files.test',
    'https://a\ttest/',
    'https://a.te\nst/',
    'https://%61.test/',
    'https://a.test%2f.evil.test/',
    'https://a。test/',
    'https://a.test:99999/',
    'https://127.1/',
    'gs:bucket',
    'http://[::1]evil.test/',
    '',
  ];
  for (const url of bad) assert.ok(find([image(url)]), url);
});

test('numbers by which an address can be written otherwise are not the address that is allowed', () => {
  const find = mediaFinder({ schemes: ['http'], hosts: ['127.0.0.1'] });
  assert.equal(find([image('http://127.0.0.1:81/')]), undefined);
  for (const host of ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '[::ffff:127.0.0.1]'])
    assert.ok(find([image(`http://${host}/`)]), host);
});

test('without hosts only data is handed on', () => {
  const find = mediaFinder({ schemes: ['http', 'data'], hosts: [] });
  assert.equal(find([image('data:,x')]), undefined);
  assert.ok(find([image('http://a.test/')]));
});

test('what was kept under other rules is not handed on', async (t) => {
  const database = await testDatabase();
  const before = await openInProcess({ database });
  t.after(before.close);
  const { id } = await have<{ id: string }>(before, 'POST', '/v1/conversations', {
    items: userInput('http://b.test/x.png'),
  });
  const file = testConfigFile(before.model);
  const config = parseConfig({ ...file, media: { hosts: ['a.test'] } });
  const door = await openInProcess({ database, config });
  t.after(door.close);
  const model = before.model.script(says('ok'));
  await unprocessable(door, { model, conversation: id, input: 'Hi' }, 'input');
  const reply = await ask(door, 'POST', '/v1/responses/input_tokens', { model, conversation: id, input: 'Hi' });
  assert.equal(reply.status, 422);
  assert.deepEqual(before.model.calls(model), []);
  await have(door, 'POST', '/v1/conversations', { items: userInput('http://a.test/x.png') });
  await unprocessable(door, { model, input: userInput('http://b.test/x.png') }, 'input[0].content[0].image_url');
});

test('what a tool returns is not handed on either', async (t) => {
  const model = await startScriptedModel();
  t.after(model.close);
  const config = parseConfig({ ...testConfigFile(model), media: { schemes: ['https'] } });
  const door = await openInProcess({ config });
  t.after(door.close);
  const name = model.script(callsFunctions({ name: 'show', args: '{}' }), says('I see.'));
  const reply = await ask(door, 'POST', '/v1/responses', { model: name, input: 'Hi', tools: [{ type: 'test_tool' }] });
  assert.equal(reply.status, 422);
  assert.match(await reply.text(), /output\[1\]\.image_url/);
  assert.equal(model.calls(name).length, 1);
});

test('the configuration takes schemes and hosts, and says what is wrong with them', () => {
  assert.deepEqual(parseConfig({}).media, { schemes: ['http', 'https', 'data'], hosts: ['*'] });
  assert.deepEqual(parseConfig({ media: { hosts: ['*.a.test'] } }).media.schemes, ['http', 'https', 'data']);
  for (const [media, path] of [
    [{ schemes: ['HTTP'] }, 'media.schemes.0'],
    [{ schemes: 'http' }, 'media.schemes'],
    [{ schemes: ['http://'] }, 'media.schemes.0'],
    [{ hosts: ['https://a.test'] }, 'media.hosts.0'],
    [{ hosts: ['A.test'] }, 'media.hosts.0'],
    [{ host: [] }, 'media.host'],
  ] as const) {
    assert.throws(
      () => parseConfig({ media }),
      ({ message }: Error) => message.includes(`${path} `),
    );
  }
});
