import { AsyncLocalStorage } from 'node:async_hooks';
import { registerHooks } from 'node:module';

// Ids cannot be guessed, so no statement about two tenants with the same id is ever tried by chance. Imported before the handler,
// this gives each caller the ids that the other has, in the same order: then only the tenant tells their rows apart.

const scope = new AsyncLocalStorage<Map<string, number>>();

/** What the id of a handler is made by; undefined for the handler's own. */
function nextId(prefix: string): string | undefined {
  const counts = scope.getStore();
  if (!counts) return undefined;
  const count = (counts.get(prefix) ?? 0) + 1;
  counts.set(prefix, count);
  return `${prefix}_${count.toString(16).padStart(48, '0')}`;
}

Object.defineProperty(globalThis, Symbol.for('antiphon.test.nextId'), { value: nextId });

const SIGNATURE = 'export function newId(prefix: string): string {';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/handler/ids.ts')) return loaded;
    const source = String(loaded.source);
    if (!source.includes(SIGNATURE))
      throw new Error('handler/ids.ts has another newId: change test/tenants/same-ids.ts');
    const own = `const own = globalThis[Symbol.for('antiphon.test.nextId')](prefix); if (own) return own;`;
    return { ...loaded, source: source.replace(SIGNATURE, `${SIGNATURE} ${own}`) };
  },
});

/** The ids of one caller: what runs in it gets the first, the second and so on of each prefix. */
export function idsInOrder(): <T>(run: () => T) => T {
  const counts = new Map<string, number>();
  return (run) => scope.run(counts, run);
}
