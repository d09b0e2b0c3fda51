import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Metadata } from '../../shim/metadata.ts';
import type { Fetch } from '../../shim/session.ts';
import { until } from '../promises/state-ask.ts';
import { startAltered } from './altered.ts';
import { ask } from './shim-client.ts';

const same = (_: string, value: unknown) => value;

/** A line of the access log, once it has come. */
async function lineOf(lines: string[]) {
  await until(() => lines.length > 0);
  return JSON.parse(lines.shift() ?? '');
}

/** Streams ten pieces if asked, then waits for its client; says how many there were so far beside each. */
const counts: Fetch = (request, { report }) => {
  let sent = 0;
  let said = -1;
  report?.(() => {
    if (said === sent) return undefined;
    const first = said < 0 ? { antiphon: { model: 'm' } } : {};
    said = sent;
    return { ...first, 'io.envoy.ai_gateway': { llm_output_token: sent } };
  });
  const { pathname } = new URL(request.url);
  if (pathname === '/whole') {
    sent = 7;
    return new Response('{}');
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 5)); // a message of its own
        if (sent < 10) controller.enqueue(Buffer.from(`data: ${++sent}\n\n`));
        else if (pathname === '/live') controller.close();
        else await new Promise(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`what the handler reports is in the access log, whole and streamed (${mode})`, async (t) => {
    const lines: string[] = [];
    const origin = `http://127.0.0.1:${await startAltered(t, mode, counts, same, (line) => lines.push(line))}`;
    for (const [path, llm_output_token] of [
      ['/whole', 7],
      ['/live', 10],
    ] as const) {
      const reply = await ask(origin + path, { body: '{}' });
      assert.equal(reply.status, 200);
      if (path === '/live') assert.equal(reply.body.match(/data/g)?.length, 10);
      const { status, llm, antiphon } = await lineOf(lines);
      assert.deepEqual([status, llm, antiphon], [200, { llm_output_token }, { model: 'm' }]);
    }
  });

  test(`texts and numbers of any kind leave the reply whole, and the log in one line (${mode})`, async (t) => {
    const lines: string[] = [];
    const said: Metadata = {
      antiphon: { half: '\ud800', break: 'a\n{"status":500}', long: 'ä'.repeat(100_000), nan: Number.NaN, big: 1e300 },
      elsewhere: { a: 'b' },
    };
    const fetch: Fetch = (_, { report }) => {
      report?.(() => said);
      return new Response('{}');
    };
    const origin = `http://127.0.0.1:${await startAltered(t, mode, fetch, same, (line) => lines.push(line))}`;
    const reply = await ask(`${origin}/`, { body: '{}' });
    assert.deepEqual([reply.status, reply.body], [200, '{}']);
    const { antiphon } = await lineOf(lines);
    const expected = { half: '\ufffd', break: 'a {"status":500}', long: 'ä'.repeat(256), big: 1e300 };
    assert.deepEqual(antiphon, expected);
  });
}

test('what a client that leaves has used until then stays', async (t) => {
  const lines: string[] = [];
  const origin = `http://127.0.0.1:${await startAltered(t, 'streamed', counts, same, (line) => lines.push(line))}`;
  const reply = await fetch(`${origin}/hang`, { method: 'POST', body: '{}' });
  const reader = reply.body?.getReader();
  let text = '';
  while (!text.includes('data: 10')) text += Buffer.from((await reader?.read())?.value ?? []);
  await reader?.cancel();
  const { flags, llm } = await lineOf(lines);
  assert.deepEqual([flags, llm], ['DC', { llm_output_token: 10 }]);
});
