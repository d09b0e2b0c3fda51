import { createHandler, environmentModels, type Ingress, parseConfig, standardSocket } from 'antiphon';
import { codecs } from 'antiphon/codecs';
import { openMcp } from 'antiphon/mcp';
import { openDatabase } from 'antiphon/sqlite';

const env = Deno.env.toObject();
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

const port = Number(env.PORT ?? 8080);
const server = Deno.serve({ hostname: '127.0.0.1', port }, (request, { remoteAddr }) => {
  const upgrade: Ingress['upgrade'] = (serve) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    void serve(standardSocket(socket));
    return response;
  };
  // What listens on the loopback can be reached by web pages: with `rebindable` Host and Origin are checked.
  return handler.fetch(request, { name: 'deno', peer: remoteAddr.hostname, rebindable: true, upgrade });
});

Deno.addSignalListener('SIGTERM', async () => {
  await handler.close(config.limits.drain, server.shutdown());
  await database.close();
  Deno.exit();
});
