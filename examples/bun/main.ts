import { createHandler, environmentModels, parseConfig } from 'antiphon';
import { codecs } from 'antiphon/codecs';
import { openMcp } from 'antiphon/mcp';
import { openDatabase } from 'antiphon/sqlite';

const { env } = process;
const mcp = env.MCP_URL ? [{ label: 'tools', url: env.MCP_URL, requireApproval: 'never' }] : [];
const config = parseConfig({ mcp });
const database = await openDatabase('sqlite:./data/antiphon.db');
const handler = createHandler({
  config: { ...config, models: environmentModels(env) },
  database,
  codecs,
  openTools: [openMcp],
});
handler.maintain();

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(env.PORT ?? 8080),
  idleTimeout: 0, // else it cuts a stream that is silent for ten seconds, as a model that thinks is
  // What listens on the loopback can be reached by web pages: with `rebindable` Host and Origin are checked.
  fetch: (request, server) =>
    handler.fetch(request, { name: 'bun', peer: server.requestIP(request)?.address, rebindable: true }),
});

process.once('SIGTERM', async () => {
  await handler.close(config.limits.drain, server.stop());
  await database.close();
  process.exit();
});
