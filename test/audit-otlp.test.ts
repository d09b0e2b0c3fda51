import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { FIRST, hashOf } from '../shim/audit/line.ts';
import { auditOverOtlp } from '../shim/audit/otlp.ts';
import { freePort } from './support/ports.ts';

/** What a receiver of log records is sent, as far as it is looked at here. */
interface Sent {
  resourceLogs: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeLogs: { logRecords: { timeUnixNano: string; eventName: string; body: { stringValue: string } }[] }[];
  }[];
}

test('events are log records, each with the line that a file would have, and what was not taken is sent again', async (t) => {
  const port = await freePort();
  const sent: { path: string | undefined; token: unknown; body: Sent }[] = [];
  let status = 200;
  const receiver = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    sent.push({ path: request.url, token: request.headers.token, body: JSON.parse(`${Buffer.concat(chunks)}`) });
    reply.writeHead(status).end('{}');
  });
  await new Promise<void>((resolve) => receiver.listen(port, '127.0.0.1', resolve));
  t.after(() => receiver.close().closeAllConnections());

  const append = auditOverOtlp({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'token=t%20k',
    OTEL_SERVICE_NAME: 'mine',
  });
  const time = '2026-11-28T09:12:03.201Z';
  const event = (object: string) => ({ action: 'read' as const, object, time });
  await append([event('resp_1'), event('resp_2')]);
  status = 503;
  await assert.rejects(append([event('resp_3')]), /status 503/);
  status = 200;
  await append([event('resp_3')]);

  assert.deepEqual(new Set(sent.map(({ path, token }) => `${path} ${token}`)), new Set(['/v1/logs t k']));
  const attributes = sent.map(({ body }) => JSON.stringify(body.resourceLogs[0]?.resource));
  assert.equal(new Set(attributes).size, 1);
  assert.match(attributes[0] ?? '', /"service.name","value":\{"stringValue":"mine"\}.*service.instance.id/);
  const records = sent.flatMap(({ body }) => body.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? []);
  assert.deepEqual(records.at(-1)?.body, records.at(-2)?.body);
  let before = FIRST;
  for (const [at, { timeUnixNano, eventName, body }] of records.toSpliced(2, 1).entries()) {
    assert.equal(Number(timeUnixNano) / 1e6, Date.parse(time));
    assert.equal(eventName, 'antiphon.audit.read');
    const { object, previous } = JSON.parse(body.stringValue);
    assert.deepEqual([object, previous], [`resp_${at + 1}`, before]);
    before = hashOf(body.stringValue);
  }
});
