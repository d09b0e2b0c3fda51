#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../envoy/cache-folder.ts';

// Node keeps what it has compiled, which is a fifth of a start. The folder is the user's: what lies there is run.
try {
  enableCompileCache(join(cacheFolder(), 'compiled'));
} catch {
  // A user without a home.
}
await import('./command.ts');
