import { codecs } from '../../exports/codecs.ts';
import { createHandler, fetchTransport, type Ingress, parseConfig, standardSocket } from '../../exports/index.ts';
import { openLimits } from '../../exports/limits.ts';
import { openMcp } from '../../exports/mcp.ts';
import { openWebSearch } from '../../exports/web-search.ts';
import { testDatabase } from '../support/doors/database.ts';

// Run by Deno or by Bun, whose own servers hand over to the handler, as the package exports it; ends with the process that began it.

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
