import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { handlerWithWeather } from '../support/new-item-type.ts';

const run = promisify(execFile);

/** The compiler's errors for a handler, by file. */
async function compile(handler: string): Promise<Record<string, string>> {
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  const { stdout } = await run(tsc, ['-p', handler, '--pretty', 'false'], { cwd: handler }).catch((failed) => failed);
  const errors: Record<string, string> = {};
  let file = '';
  for (const line of String(stdout).split('\n').filter(Boolean)) {
    file = /^(\S+)\(\d+,\d+\): error/.exec(line)?.[1] ?? file;
    errors[file] = `${errors[file] ?? ''}${line}\n`;
  }
  return errors;
}

/** The members that an item type of a server's tool must have, and those of its stream. */
const members = ['role', 'schema', 'title', 'prefix', 'keep', 'asCall', 'asAnswer', 'media', 'stream'];
const streams = ['readWhole', 'begin', 'events', 'fold', "'response.weather_call.forecast'"];

test('a new type of item compiles when it is whole, and without any of its parts it does not', async () => {
  const handler = await handlerWithWeather();
  const whole = await readFile(join(handler, 'items/weather.ts'), 'utf8');
  const files = new Map<string, string>();
  for (const name of [...members, ...streams]) {
    // A member ends where the next begins, as deep as it is, or the object does.
    const less = whole.replace(new RegExp(`^( +)[*]?${name}[:(].*\\n(?:\\1 .*\\n|\\1\\}.*\\n)*`, 'm'), '');
    assert.notEqual(less, whole, name);
    const file = `items/without-${name.replace(/\W/g, '')}.ts`;
    files.set(file, name.replaceAll("'", ''));
    await writeFile(join(handler, file), less);
  }
  const errors = await compile(handler);
  assert.deepEqual(Object.keys(errors).sort(), [...files.keys()].sort(), JSON.stringify(errors, null, 2));
  for (const [file, name] of files) assert.match(errors[file] ?? '', new RegExp(`Property '"?${name}"?' is missing`));
});

test('a new type of what someone says does not compile until the backends read it', async () => {
  const handler = await handlerWithWeather();
  const file = join(handler, 'items/weather.ts');
  const text = await readFile(file, 'utf8');
  const speech = text
    .replaceAll('ServerCallKind', 'SpeechKind')
    .replace('server call', 'speech')
    .replace(/import \{ callIdOf, callWith, type/, 'import { type')
    .replace(/^ {2}as(Call|Answer):.*\n/gm, '');
  await writeFile(file, speech);
  const errors = await compile(handler);
  // One transcript is what every protocol reads.
  assert.deepEqual(Object.keys(errors), ['backend/functions/transcript.ts'], JSON.stringify(errors, null, 2));
});
