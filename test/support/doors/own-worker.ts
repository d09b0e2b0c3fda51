import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder } from '../folder.ts';
import { startWorker } from './workerd.ts';

/** A Worker of a test's own. */
export interface OwnWorker {
  /** The source of its module, which exports `BackgroundTurn`. */
  source: string;
  /** Its variables, as the configuration. */
  vars: Record<string, string>;
  /** The URL of a PostgreSQL, in place of D1: the binding `HYPERDRIVE`. */
  postgres?: string;
  /** Whether it has the flag `nodejs_compat`, which PostgreSQL needs in any case. */
  compat?: boolean;
}

/** Starts a Worker on workerd, with a D1 of its own and background turns, as `wrangler.toml` has them. */
export async function startOwnWorker(
  name: string,
  { source, vars, postgres, compat }: OwnWorker,
): ReturnType<typeof startWorker> {
  const folder = newFolder();
  const main = join(folder, 'worker.mjs');
  await writeFile(main, source);
  const config = join(folder, 'wrangler.json');
  await writeFile(
    config,
    JSON.stringify({
      ...{
        name,
        main,
        compatibility_date: '2026-10-01',
        compatibility_flags: ['enable_request_signal', ...(postgres || compat ? ['nodejs_compat'] : [])],
      },
      ...(postgres
        ? { hyperdrive: [{ binding: 'HYPERDRIVE', id: name, localConnectionString: postgres }] }
        : { d1_databases: [{ binding: 'DB', database_name: name }] }),
      durable_objects: { bindings: [{ name: 'TURNS', class_name: 'BackgroundTurn' }] },
      migrations: [{ tag: 'v1', new_sqlite_classes: ['BackgroundTurn'] }],
      vars: { LOG_LEVEL: 'error', ...vars },
    }),
  );
  return startWorker({ config });
}
