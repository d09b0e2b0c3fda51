import { fileURLToPath } from 'node:url';
import { startScriptedModel } from '../model/scripted.ts';
import { startPostgres } from '../postgres-server.ts';
import { type Door, doorAt, testConfigFile } from './door.ts';
import { startOwnWorker } from './own-worker.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const source = `
import { hyperdrive } from '${ROOT}exports/hyperdrive.ts';
import { openLimits } from '${ROOT}exports/limits.ts';
import { openMcp } from '${ROOT}exports/mcp.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker({ database: hyperdrive(), openLimits, openTools: [openMcp] });
export default worker;
export { BackgroundTurn };`;

/** A Worker on a real PostgreSQL, by the binding of Hyperdrive; workerd itself connects to it. */
export async function openWorkerdOnPostgres(): Promise<Door> {
  const server = await startPostgres();
  const model = await startScriptedModel();
  const vars = { ANTIPHON_CONFIG: JSON.stringify({ ...testConfigFile(model), auth: 'none' }) };
  const worker = await startOwnWorker('postgres', { source, vars, postgres: await server.newDatabase() });
  const { origin } = await worker.url;
  return doorAt('workerd', origin, model, async () => {
    await worker.dispose();
    await server.stop();
  });
}
