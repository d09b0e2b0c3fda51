import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { gives, McpServers } from './mcp-server.ts';
import { freePort } from './ports.ts';
import { startSnowyWeb } from './web-scene.ts';

/** Starts what guides have the product ask beside the model: a SearXNG, and an MCP server with a tool `echo`. */
export async function startGuideServices(t: TestContext) {
  const web = await startSnowyWeb();
  const port = await freePort();
  const servers = new McpServers(() => `http://127.0.0.1:${port}`);
  const mcp = servers.serve([{ name: 'echo', run: ({ message }) => gives(`Echo: ${message}`) }]);
  const server = createServer((req, res) => void servers.handle(req, res)).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close().closeAllConnections();
    await web.close();
  });
  return { web, mcp };
}
