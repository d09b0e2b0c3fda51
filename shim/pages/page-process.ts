import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type LoadedPage, reducePage } from '../../handler/tools/web-search/page-reducer.ts';
import { PageFailure, type WebPage } from '../../handler/tools/web-search/web-page.ts';

// The program of a process that reduces pages, one after the other, for the process that has started it.

/** What it answers for a page: its text, or why there is none, for the model. */
export type PageAnswer = { page: WebPage } | { failure: string };

async function answer(page: LoadedPage): Promise<PageAnswer> {
  try {
    return { page: await reducePage(page) };
  } catch (error) {
    return { failure: error instanceof PageFailure ? error.message : 'The page cannot be read.' };
  }
}

try {
  writeFileSync('/proc/self/oom_score_adj', '1000'); // where memory is short, this process goes first
} catch {
  // Not Linux.
}
new Worker(new URL(`./page-watch.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)).unref();
process.on('message', async (page: LoadedPage) => process.send?.(await answer(page)));
process.once('disconnect', () => process.exit());
