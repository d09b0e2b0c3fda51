import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { readAttributes, readHeaders, replyHead, replyPiece, wholeReply } from '../shim/codec.ts';

const map = (...pairs: [string, string][]) => ({
  headers: pairs.map(([key, value]) => ({ key, raw_value: Buffer.from(value, 'latin1') })),
});

test('pseudo headers become method and URL, and the host a header', () => {
  const { method, url, headers } = readHeaders(
    map([':method', 'POST'], [':scheme', 'https'], [':authority', 'api.example:8443'], [':path', '/v1/x?a=b%20c&d']),
  );
  assert.deepEqual([method, url], ['POST', 'https://api.example:8443/v1/x?a=b%20c&d']);
  assert.deepEqual([...headers], [['host', 'api.example:8443']]);
});

test('repeated headers are all kept, those of one hop are not', () => {
  const { headers } = readHeaders(
    map(['x-a', '1'], ['x-a', '2'], ['cookie', 'a=1'], ['cookie', 'b=2'], ['connection', 'x'], ['te', 'trailers']),
  );
  assert.equal(headers.get('x-a'), '1, 2');
  assert.equal(headers.get('cookie'), 'a=1; b=2');
  assert.deepEqual([...headers.keys()], ['cookie', 'host', 'x-a']);
});

test('bytes of a header value are kept as they are, and `value` is read where there is no raw_value', () => {
  const { headers } = readHeaders(map(['x-latin', 'caf\xe9']));
  assert.equal(headers.get('x-latin'), 'caf\xe9');
  assert.equal(readHeaders({ headers: [{ key: 'x-a', value: 'b' }] }).headers.get('x-a'), 'b');
});

test('an authority or path that could move the path elsewhere is refused', () => {
  for (const authority of ['a/b', 'user@host', 'a?b', 'a#b', '', 'a b', 'a:123456']) {
    assert.throws(() => readHeaders(map([':authority', authority])), TypeError, authority);
  }
  for (const authority of ['host', '127.0.0.1:1', '[::1]:8080', 'a-b_c.example.']) {
    readHeaders(map([':authority', authority]));
  }
  for (const path of ['*', 'x', '']) assert.throws(() => readHeaders(map([':path', path])), TypeError, path);
  assert.equal(readHeaders(map([':path', '/a?b\\c'])).url, 'http://localhost/a?b\\c');
});

test('attributes give the original mode its method, path, id and the headers that Envoy is told to name', () => {
  const fields = {
    'request.method': { stringValue: 'PUT' },
    'request.path': { stringValue: '/a?b' },
    'request.id': { stringValue: 'id' },
    "request.headers['content-type']": { stringValue: 'text/plain' },
    "request.headers['x-one']": {},
    'request.headers': { stringValue: 'x' },
  };
  const { method, url, headers } = readAttributes({ 'envoy.filters.http.ext_proc': { fields } });
  assert.deepEqual([method, url], ['PUT', 'http://localhost/a?b']);
  assert.deepEqual(
    [...headers],
    [
      ['content-type', 'text/plain'],
      ['x-request-id', 'id'],
    ],
  );
  assert.equal(readAttributes(undefined).url, 'http://localhost/v1/responses');
});

const proto = loadSync(fileURLToPath(new URL('../proto/ext_proc.proto', import.meta.url)), {
  keepCase: true,
  defaults: true,
  oneofs: true,
});
// The loader's index holds services and messages alike.
const type = proto['envoy.service.ext_proc.v3.ProcessingResponse'] as MessageTypeDefinition<object, object>;
const wire = (message: object) => type.serialize(message);

const HEADERS = new Headers([
  ['content-type', 'text/event-stream'],
  ['content-length', '5'],
  ['connection', 'keep-alive'],
  ['transfer-encoding', 'chunked'],
  ['set-cookie', 'a=1'],
  ['set-cookie', 'b=2'],
]);

test('a whole reply: field numbers, a repeated header appends, no content-length', () => {
  const message = wholeReply(201, HEADERS, Buffer.from('{}'));
  assert.deepEqual(
    message.immediate_response?.headers.set_headers.map(({ header, append }) => [
      `${header.key}: ${header.raw_value}`,
      append.value,
    ]),
    [
      ['content-type: text/event-stream', false],
      ['set-cookie: a=1', false],
      ['set-cookie: b=2', true],
    ],
  );
  // immediate_response = 7 { status = 1 { code = 1: 201 }, headers = 2 {}, body = 3: "{}" }
  const bare = wire(wholeReply(201, new Headers(), Buffer.from('{}')));
  assert.equal(bare.toString('hex'), '3a0b0a0308c90112001a027b7d');
});

test('a streamed reply: field numbers, `:status` first, every header, no content-length', () => {
  const message = replyHead(200, HEADERS);
  const part = message.streamed_immediate_response;
  assert.ok(part && 'headers_response' in part);
  assert.deepEqual(
    part.headers_response.headers?.headers.map(({ key, raw_value }) => `${key}: ${raw_value}`),
    [':status: 200', 'content-type: text/event-stream', 'set-cookie: a=1', 'set-cookie: b=2'],
  );
  // streamed_immediate_response = 11 { headers_response = 1 { headers = 1 { headers = 1 { key = 1, raw_value = 3 } },
  // end_of_stream = 3: false } }
  const bare = wire(replyHead(200, new Headers()));
  assert.equal(bare.toString('hex'), '5a160a140a100a0e0a073a7374617475731a033230301800');
  // streamed_immediate_response = 11 { body_response = 2 { body = 1: "x", end_of_stream = 2: true } }
  assert.equal(wire(replyPiece(Buffer.from('x'), true)).toString('hex'), '5a0712050a01781001');
});
