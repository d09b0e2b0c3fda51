import { configureLog, createHandler, environmentModels, parseConfig } from 'antiphon';
import { serveGrpc, sessionLimits } from 'antiphon/ext-proc';
import { codecs, createTransport, serveHttp } from 'antiphon/node';
import { openDatabase } from 'antiphon/sqlite';

configureLog('info', (line) => process.stdout.write(line));

const config = parseConfig({});
const { limits } = config;
const database = await openDatabase('sqlite:./data/antiphon.db');
const { transport, close } = createTransport();
const handler = createHandler({
  config: { ...config, models: environmentModels(process.env) },
  database,
  transport,
  codecs,
});
handler.maintain();

// Envoy hands every request to the processor, and WebSockets, which a processor cannot carry, to plain HTTP.
const { fetch, memory } = handler;
const address = `127.0.0.1:${process.env.GRPC_PORT ?? 50051}`;
const processor = await serveGrpc({ address, fetch, limits: sessionLimits(limits), memory });
const http = await serveHttp({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080), fetch, memory });

process.once('SIGTERM', async () => {
  const { drain } = limits; // then what still runs is ended, and told to its client before the connection is cut
  const drained = Promise.all([processor, http].map((server) => server.drain(drain + 3_000)));
  await handler.close(drain, drained);
  await drained;
  await close();
  await database.close();
});
