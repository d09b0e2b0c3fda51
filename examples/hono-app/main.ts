import { createHandler, environmentModels, type Ingress, parseConfig } from 'antiphon';
import { codecs, createTransport, serveHttp } from 'antiphon/node';
import { openDatabase } from 'antiphon/sqlite';
import { Hono } from 'hono';

const users = new Map([
  ['key-of-ann', 'ann'],
  ['key-of-bob', 'bob'],
]);

function userOf(request: Request): string | undefined {
  return users.get(request.headers.get('authorization')?.replace(/^Bearer /, '') ?? '');
}

const config = parseConfig({ limits: { perCaller: { turns: 1 } } });
const database = await openDatabase('sqlite:./data/antiphon.db');
const { transport, close } = createTransport();
const handler = createHandler({
  config: { ...config, models: environmentModels(process.env) },
  database,
  transport,
  codecs,
  identify: (request) => ({ id: userOf(request) ?? 'nobody' }), // whose turns count together
});
handler.maintain();

const app = new Hono<{ Bindings: Ingress }>();
app.get('/', (c) => c.text('The Responses API is at /api/v1.'));
app.use('/api/*', (c, next) => {
  if (userOf(c.req.raw)) return next();
  const error = { message: 'Incorrect API key.', type: 'invalid_request_error', param: null, code: 'invalid_api_key' };
  return Promise.resolve(c.json({ error }, 401));
});
app.mount('/api', handler.fetch);

const server = await serveHttp({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080), fetch: app.fetch });
process.once('SIGTERM', async () => {
  const { drain } = config.limits; // then what still runs is ended, and told to its client before the connection is cut
  await handler.close(drain, server.drain(drain + 3_000));
  await close();
  await database.close();
});
