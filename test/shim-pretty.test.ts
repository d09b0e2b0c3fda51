import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineSplitter, parseLine } from '../envoy/log-line.ts';
import { lineOf } from '../handler/index.ts';
import { prettyLine } from '../shim/pretty.ts';

const plain = { colours: false };

/** The row of a line, without the time. */
function row(line: string, options = {}): string {
  const text = prettyLine(line, { ...plain, ...options });
  assert.match(text, /^\d\d:\d\d:\d\d\.\d{3} /);
  return text.slice(13);
}

const request = {
  ...{ request_id: 'r-1', door: 'http', method: 'POST', path: '/v1/responses', model: 'm', response_id: 'resp_1' },
  ...{ streaming: false, backend: 'chat', input_tokens: 11, tools: ['add'], status: 200, duration_ms: 12.5 },
};

test('a line is one row for people, with what matters first and the ids last', () => {
  assert.equal(
    row(lineOf('info', 'request', request)),
    'INFO  POST /v1/responses 200 12.5ms model=m backend=chat input_tokens=11 tools=["add"] request_id=r-1 response_id=resp_1\n',
  );
  assert.equal(row(lineOf('warn', 'draining', { requests: 2 })), 'WARN  draining requests=2\n');
  assert.equal(
    row(lineOf('info', 'access', { logger: 'envoy', method: 'GET', path: '/', status: 404 })),
    'INFO  envoy GET / 404\n',
  );
});

test('it is cut at the width of the terminal, but a warning or an error is not, whose cause comes last', () => {
  for (const columns of [1, 10, 40, 80]) {
    const text = prettyLine(lineOf('info', 'request', request), { ...plain, columns });
    assert.ok(text.length <= Math.max(columns, 2), `${columns}: ${text}`);
    assert.match(text, /…\n$/);
  }
  const error = `Error: ${'x'.repeat(500)}`;
  assert.ok(row(lineOf('error', 'request', { error, status: 500 }), { columns: 40 }).endsWith(`${error}\n`));
});

test('it has colours where they are wanted, and each ends before the line does', () => {
  const told = (line: string, columns?: number) =>
    prettyLine(line, { colours: true, columns }).replaceAll('\u001b', 'ESC');
  const failed = told(lineOf('error', 'request', { ...request, status: 500, error: 'bad' }));
  assert.match(failed, / ESC\[31mERRORESC\[0m POST/);
  assert.match(failed, / ESC\[31mbadESC\[0m\n$/);
  assert.match(told(lineOf('info', 'request', request), 60), /…ESC\[0m\n$/);
  assert.doesNotMatch(row(lineOf('info', 'request', request)), /\p{Cc}[^$]/u);
});

test('nothing in it is obeyed by a terminal, or begins another row', () => {
  const evil = 'a\n\r\u001b[31m\u009b2J\u0007\u202e\u2028\u200f\ud800b\u007f';
  const text = prettyLine(lineOf('error', evil, { [evil]: evil, model: evil, tools: [evil], error: evil }), plain);
  assert.doesNotMatch(text.slice(0, -1), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  assert.match(text, /a\\u\{a\}\\u\{d\}\\u\{1b\}\[31m/);
});

test("a line of Envoy's is read whatever it holds", () => {
  const line = (level: string) => JSON.stringify({ level, part: 'upstream', message: 'a\n"b"' });
  assert.deepEqual(
    ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'loud'].map((level) => parseLine(line(level)).level),
    ['debug', 'debug', 'info', 'warn', 'error', 'error', 'warn'],
  );
  assert.deepEqual(parseLine(line('info')), { level: 'info', part: 'upstream', message: 'a\n"b"' });
  for (const text of ['plain', '{', '7', 'null', '[]', '{"level":"info"}'])
    assert.deepEqual(parseLine(text), { level: 'warn', message: text });
});

test('what comes in pieces is split into lines, and a line without an end takes no more than its bound', () => {
  const lines: string[] = [];
  const split = lineSplitter(5, (line) => lines.push(line));
  for (const piece of ['ab', 'c\nde\n\nf', '\n', 'x'.repeat(1_000), 'y\nend\nrest']) split(piece);
  assert.deepEqual(lines, ['abc', 'de', 'f', 'xxxxx', 'end']);
});
