import { readdirSync } from 'node:fs';

// Limits come first, since they wait longest; what keeps the process busy comes last.
const FIRST = ['limits.ts', 'webhooks.ts', 'compaction.ts', 'compaction-after.ts'];
const LAST = ['limits-count.ts', 'bodies.ts'];

const others = readdirSync(import.meta.dirname).filter((name) => ![...FIRST, ...LAST, 'all.ts'].includes(name));
for (const name of [...FIRST, ...others.sort(), ...LAST]) await import(`./${name}`);
