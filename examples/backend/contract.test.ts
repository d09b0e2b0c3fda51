import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fetchTransport } from 'antiphon';
import { anyServer, type BackendSubject, backendContract, modelCall } from 'antiphon/backend';
import { llama } from './llama.ts';

// The contract that every backend keeps, tried on a server that speaks the protocol; any test runner will do.
for (const { name, run } of backendContract) test(name, { timeout: 10_000 }, () => run(open));

const end = { content: '', stop: true, stop_type: 'eos', tokens_evaluated: 3, tokens_predicted: 2 };

/** What the server says, by the model that is asked for. */
const replies: Record<string, object[]> = {
  short: [{ content: 'Hello' }, { content: ' world' }, end],
  limited: [{ content: 'Once upon' }, { ...end, stop_type: 'limit' }],
  silent: [end],
  endless: [{ content: 'Well' }],
  dead: [{ content: 'Well' }],
  half: [{ content: 'Well' }],
};

const usage = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 5,
};

const caching = ['prompt_cache_options', 'prompt_cache_retention'] as const;

async function open(): Promise<BackendSubject> {
  const calls: { body: { model: string }; reply: ServerResponse; closed: Promise<unknown> }[] = [];
  const server = createServer(async (request, reply) => {
    const body = JSON.parse((await request.toArray()).join(''));
    calls.push({ body, reply, closed: once(reply, 'close') });
    reply.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    for (const chunk of replies[body.model] ?? replies.short ?? []) reply.write(`data: ${JSON.stringify(chunk)}\n\n`);
    if (body.model === 'dead') setImmediate(() => reply.destroy());
    else if (body.model !== 'endless') reply.end();
  });
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const of = (model: string) => calls.filter(({ body }) => body.model === model);
  return {
    backend: llama(`http://127.0.0.1:${port}`, fetchTransport(fetch)),
    profile: anyServer,
    good: ['short', 'silent'].map((model) => modelCall({ model })),
    talkative: modelCall({ model: 'short' }),
    endless: modelCall({ model: 'endless' }),
    excessive: [],
    failing: modelCall({ model: 'dead' }),
    brokenOff: modelCall({ model: 'half' }),
    cut: modelCall({ model: 'limited' }),
    counted: { call: modelCall({ model: 'short' }), usage },
    models: [],
    withoutHints: ['user', 'safety_identifier', 'prompt_cache_key', ...caching, 'service_tier'],
    server: {
      sent: (model) => of(model).map(({ body }) => body),
      closed: async (model) => void (await of(model).at(-1)?.closed),
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
