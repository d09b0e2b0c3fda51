import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type LoadedPage, loadReducer } from '../../handler/tools/web-search/page-reducer.ts';
import { PageFailure, type WebPage } from '../../handler/tools/web-search/web-page.ts';

// The program of a process that reduces pages, one after the other, for the process that has started it.

/** What it says of a page: that it begins with it, and then its text, or why there is none, for the model. */
export type PageAnswer = 'begins' | { page: WebPage } | { failure: string };

async function answer(page: LoadedPage): Promise<void> {
  const say = (answer: PageAnswer) => process.send?.(answer);
  try {
    const reduce = await loadReducer(page.kind);
    say('begins');
    say({ page: await reduce(page) });
  } catch (error) {
    say({ failure: error instanceof PageFailure ? error.message : 'The page cannot be read.' });
  }
}

try {
  writeFileSync('/proc/self/oom_score_adj', '1000'); // where memory is short, this process goes first
} catch {
  // Not Linux.
}
new Worker(new URL(`./page-watch.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)).unref();
process.on('message', (page: LoadedPage) => void answer(page));
process.once('disconnect', () => process.exit());
