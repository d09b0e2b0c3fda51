import { openLimits } from '../../handler/allowances/index.ts';
import { createHandler, fetchTransport, type Ingress, parseConfig, standardSocket } from '../../handler/index.ts';
import { openMcp } from '../../handler/tools/mcp/index.ts';
import { openWebSearch } from '../../handler/tools/web-search/index.ts';
import { codecs } from '../../shim/codecs.ts';
import { testDatabase } from '../support/doors/database.ts';

// Run by Deno or by Bun, whose own servers hand over to the handler; ends with the process that began it.

type Fetch = (request: Request) => Promise<Response>;

/** As much of either runtime as is used. */
interface Runtime {
  Deno?: {
    serve(options: { hostname: string; port: number; onListen(): void }, fetch: Fetch): unknown;
    upgradeWebSocket(request: Request): { socket: Parameters<typeof standardSocket>[0]; response: Response };
  };
  Bun?: { serve(options: { hostname: string; port: number; idleTimeout: number; fetch: Fetch }): unknown };
}

const { Deno, Bun } = globalThis as unknown as Runtime; // their types are not among ours

const { fetch: answer } = createHandler({
  config: parseConfig(JSON.parse(process.env.ANTIPHON_CONFIG ?? '{}')),
  transport: fetchTransport(fetch),
  database: await testDatabase(),
  codecs,
  openLimits,
  openTools: [openMcp, openWebSearch],
});
const at = { hostname: '127.0.0.1', port: Number(process.env.PORT) };
Deno?.serve({ ...at, onListen: () => {} }, (request) => {
  const upgrade: Ingress['upgrade'] = (serve) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    void serve(standardSocket(socket));
    return response;
  };
  return answer(request, { upgrade, rebindable: true });
});
// Bun would cut a connection that is silent for ten seconds, and a model may well be.
Bun?.serve({ ...at, idleTimeout: 0, fetch: (request) => answer(request, { rebindable: true }) });
console.log('ready');
process.stdin.resume().once('end', () => process.exit());
