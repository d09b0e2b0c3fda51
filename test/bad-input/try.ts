import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import type { Example } from './examples.ts';
import { isWrong, nameOf, type Site } from './sites.ts';
import { MARK } from './values.ts';

const HERE = '\u2603';

/** The type of an item. */
const UNTYPED = /^(input|items)\[\d+\]\.type$/;

/** The example with the values at these places replaced by what is written. */
export function bodyWith({ body }: Example, sites: readonly Site[], written: string): string {
  const copy = JSON.parse(JSON.stringify(body)); // a structured clone would keep what several places share in one
  for (const { path } of sites) {
    // biome-ignore lint/suspicious/noExplicitAny: the path leads through objects and lists of any kind
    let holder: any = copy;
    for (const key of path.slice(0, -1)) holder = holder[key];
    holder[path.at(-1) ?? ''] = HERE;
  }
  return JSON.stringify(copy).replaceAll(JSON.stringify(HERE), () => written);
}

/** Sends a body where the example belongs. */
export function send(door: Door, { path }: Example, body: string, headers: Record<string, string> = {}) {
  return door.fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

/** Tries one value at one place; what comes back must be an error that names the place, or a success that is due. */
export async function tryValue(door: Door, example: Example, site: Site, written: string): Promise<number> {
  const reply = await send(door, example, bodyWith(example, [site], written));
  const answer = await reply.text();
  const name = nameOf(site.path);
  const value = parsed(written);
  const read = value === null && UNTYPED.test(name); // then it is another kind of item, by what else it has
  const wrong = value === undefined || (!read && isWrong(site.schema, value));
  if (reply.status === 200) {
    assert.ok(!wrong, 'a wrong value is accepted');
    return 200;
  }
  const param = errorOf(reply.status, answer);
  if (reply.status === 422) {
    assert.ok(param !== null && (inside(param, name) || (!wrong && inside(name, parentOf(param)))), `names ${param}`);
  } else if (wrong) assert.equal(reply.status, 400, `a wrong value is refused with ${reply.status}`);
  return reply.status;
}

/** Holds a reply to be an error as errors are, and gives the field that it names. */
export function errorOf(status: number, answer: string): string | null {
  assert.ok([400, 404, 413, 422].includes(status), `status ${status}: ${answer.slice(0, 300)}`);
  assert.ok(new TextEncoder().encode(answer).length < 1024, `an error of ${answer.length} characters`);
  const body = JSON.parse(answer);
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual(Object.keys(body.error).sort(), ['code', 'message', 'param', 'type']);
  const { message, param, type } = body.error;
  assert.equal(type, 'invalid_request_error');
  // Where a word of the API stands, the message says which: a type, a choice, a model, a prompt, a tool.
  const words = /\b(is|model|prompt|function|custom|named|type) "[^"]{1,64}"/gi;
  // Names of members are sent as well, and named; and OpenAI's own words name the id that two items should share, or not.
  const others = (
    param === null ? message.replace(words, '') : message.replace(words, '').replaceAll(param, '')
  ).replace(/(call_id|id:|call|conversation:) .*$/s, '');
  assert.ok(!others.includes(MARK), `an error repeats what was sent: ${message}`);
  return param;
}

function inside(param: string, name: string): boolean {
  // A long path ends in dots.
  const path = param.endsWith('...') ? param.slice(0, -3) : param;
  return path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`) || name.startsWith(path);
}

function parentOf(param: string): string {
  return param.replace(/[.[][^.[]*$/, '');
}

/** The value that is written, or undefined if it is none. */
function parsed(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}
