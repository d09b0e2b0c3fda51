import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { freePort } from './ports.ts';

/** A span as a receiver of OTLP has it; ids are hexadecimal, and `parent` is empty for a root. */
export interface ReceivedSpan {
  trace: string;
  id: string;
  parent: string;
  name: string;
  /** Of the resource. */
  service: string;
  /** Milliseconds since 1970. */
  start: number;
  end: number;
}

/** A receiver of OTLP over HTTP. */
export interface OtlpReceiver {
  /** Its base URL. */
  readonly url: string;
  readonly port: number;
  /** The spans of a trace so far, each once, though Envoy sends some twice. */
  spansOf(trace: string): ReceivedSpan[];
  /** How many spans have come, whatever their traces. */
  spanCount(): number;
  /** The posts so far. */
  readonly posts: { path: string; type: string | undefined; headers: IncomingHttpHeaders }[];
  /** The newest sum of a counter, or count of a histogram, over all that it tells apart, of metrics that came in JSON. */
  sumOf(metric: string): number | undefined;
  /** Has posts answered otherwise than with 200; what it leaves open hangs. */
  answer(how: (reply: ServerResponse) => void): void;
  close(): Promise<void>;
}

/** Starts a receiver on a free port of the loopback, which reads traces in JSON and protobuf. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const posts: OtlpReceiver['posts'] = [];
  const sums = new Map<string, number>();
  let answer = (reply: ServerResponse): void => {
    reply.writeHead(200).end();
  };
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { 'content-type': type, 'content-encoding': encoding } = request.headers;
    const sent = Buffer.concat(chunks);
    const body = encoding === 'gzip' ? gunzipSync(sent) : sent;
    posts.push({ path: request.url ?? '', type, headers: request.headers });
    if (request.url === '/v1/traces')
      spans.push(...(type === 'application/json' ? fromJson(body) : fromProtobuf(body)));
    if (request.url === '/v1/metrics' && type === 'application/json')
      for (const [name, sum] of sumsFromJson(body)) sums.set(name, sum);
    answer(reply);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    spansOf: (trace) => [
      ...new Map(spans.filter((span) => span.trace === trace).map((span) => [span.id, span])).values(),
    ],
    spanCount: () => new Set(spans.map(({ id }) => id)).size,
    posts,
    sumOf: (metric) => sums.get(metric),
    answer(how) {
      answer = how;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sumsFromJson(body: Buffer): [string, number][] {
  // biome-ignore lint/suspicious/noExplicitAny: OTLP in JSON, as its specification has it
  const { resourceMetrics = [] }: any = JSON.parse(body.toString());
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const all = resourceMetrics.flatMap(({ scopeMetrics }: any) => scopeMetrics.flatMap(({ metrics }: any) => metrics));
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return all.map(({ name, sum, histogram, gauge }: any) => {
    const { dataPoints } = sum ?? histogram ?? gauge;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const values = dataPoints.map(({ asInt, asDouble, count }: any) => Number(asInt ?? asDouble ?? count));
    return [name, values.reduce((total: number, value: number) => total + value, 0)];
  });
}

function fromJson(body: Buffer): ReceivedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: OTLP in JSON, as its specification has it
  const { resourceSpans = [] }: any = JSON.parse(body.toString());
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return resourceSpans.flatMap(({ resource, scopeSpans }: any) => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const service = resource.attributes.find(({ key }: any) => key === 'service.name')?.value.stringValue ?? '';
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      spans.map(({ traceId: trace, spanId: id, parentSpanId: parent = '', name, ...times }: any) => {
        const start = Number(times.startTimeUnixNano) / 1e6;
        return { trace, id, parent, name, service, start, end: Number(times.endTimeUnixNano) / 1e6 };
      }),
    );
  });
}

/** Reads `ExportTraceServiceRequest`, by the numbers of its fields in opentelemetry-proto. */
function fromProtobuf(body: Buffer): ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const attributes = messages(resourceSpans, 1).flatMap((resource) => messages(resource, 1));
    const service = attributes.find((pair) => text(pair, 1) === 'service.name');
    const value = service && messages(service, 2)[0];
    const spans = messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2));
    return spans.map((span) => ({
      trace: hex(span, 1),
      id: hex(span, 2),
      parent: hex(span, 4),
      name: text(span, 5),
      service: value ? text(value, 1) : '',
      start: time(span, 7),
      end: time(span, 8),
    }));
  });
}

const hex = (message: Buffer, field: number) => messages(message, field)[0]?.toString('hex') ?? '';
const time = (message: Buffer, field: number) => Number(fixed(message, field) ?? 0n) / 1e6;
const text = (message: Buffer, field: number) => messages(message, field)[0]?.toString() ?? '';

/** The values of a field whose values have a length: messages, texts and bytes. */
function messages(message: Buffer, wanted: number): Buffer[] {
  return values(message, wanted, 2);
}

/** A number of eight bytes. */
function fixed(message: Buffer, wanted: number): bigint | undefined {
  return values(message, wanted, 1)[0]?.readBigUInt64LE();
}

/** The values of a field that are written in a way of the wire: 1 for eight bytes, 2 for those that have a length. */
function values(message: Buffer, wanted: number, way: 1 | 2): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag & 7;
    if (kind === 0) varint();
    else {
      const length = kind === 2 ? varint() : kind === 1 ? 8 : 4;
      if (tag >> 3 === wanted && kind === way) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
