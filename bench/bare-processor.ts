import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProcessingRequest, ProcessingResponse } from '../shim/messages.ts';
import { chatStream } from './ask.ts';
import { askModel } from './ask-model.ts';

type Call = ServerDuplexStream<ProcessingRequest, ProcessingResponse>;

/**
 * The least that a streamed turn takes through ext_proc on the product's own libraries: `response.created` as soon as the request
 * is whole, then an event for each delta of the model, in one message those that came together, and the whole text at the end.
 * Nothing is checked or stored.
 */
async function answer(call: Call, mock: number): Promise<void> {
  const request = await readRequest(call);
  let number = 0;
  const event = (type: string, members: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...members })}\n\n`;
  const send = (text: string, end_of_stream = false) =>
    call.write({ streamed_immediate_response: { body_response: { body: Buffer.from(text), end_of_stream } } });
  const headers = [
    { key: ':status', raw_value: Buffer.from('200') },
    { key: 'content-type', raw_value: Buffer.from('text/event-stream; charset=utf-8') },
  ];
  const head = { headers: { headers }, end_of_stream: false };
  call.write({ streamed_immediate_response: { headers_response: head } });
  send(
    event('response.created', { response: { id: 'resp_1', object: 'response', status: 'in_progress', output: [] } }),
  );
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  let text = '';
  for await (const deltas of askModel(mock, chatStream([{ role: 'user', content: request.input }]))) {
    text += deltas.join('');
    send(deltas.map((delta) => event('response.output_text.delta', { ...place, delta })).join(''));
  }
  const output = [{ type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text }] }];
  const response = { id: 'resp_1', object: 'response', status: 'completed', output };
  send(`${event('response.completed', { response })}data: [DONE]\n\n`, true);
}

/** The request's body, once it is there. */
function readRequest(call: Call): Promise<{ input: string }> {
  const parts: Uint8Array[] = [];
  return new Promise((resolve) => {
    call.on('data', ({ request_body }: ProcessingRequest) => {
      if (!request_body) return;
      parts.push(request_body.body);
      if (request_body.end_of_stream) resolve(JSON.parse(Buffer.concat(parts).toString()));
    });
    call.on('end', () => call.end());
    call.on('error', () => {}); // Envoy resets a stream once it has the answer
  });
}

function serviceOf(file: string, name: string): ServiceDefinition {
  const path = fileURLToPath(new URL(`../proto/${file}`, import.meta.url));
  const loaded = loadPackageDefinition(loadSync(path, { keepCase: true, defaults: true, oneofs: true, longs: Number }));
  // grpc-js types what it loads as a tree of unions; the path is ours and so are the files.
  const found = name.split('.').reduce((at, step) => at[step] as GrpcObject, loaded);
  return (found as unknown as { service: ServiceDefinition }).service;
}

const SERVING = { status: 1 };

function start(port: number, { mock }: { mock: number }): void {
  const server = new Server();
  // Node closes a connection after some 1,000 resets, and Envoy resets every stream after its answer. grpc-js has no public
  // option for that; shim/server.ts sets it in the same way.
  const { commonServerOptions } = server as unknown as { commonServerOptions: object };
  Object.assign(commonServerOptions, { streamResetBurst: 1_000_000, streamResetRate: 1_000_000 });
  server.addService(serviceOf('ext_proc.proto', 'envoy.service.ext_proc.v3.ExternalProcessor'), {
    Process: (call: Call) => void answer(call, mock),
  });
  server.addService(serviceOf('health.proto', 'grpc.health.v1.Health'), {
    Check: (_: unknown, reply: (error: null, value: object) => void) => reply(null, SERVING),
  });
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), () => process.send?.('ready'));
}

process.once('message', (options: { mock: number }) => start(Number(process.argv[2]), options));
