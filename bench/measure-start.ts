import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { firstAnswer } from './first-answer.ts';
import type { Plan } from './plan.ts';
import { startProduct } from './product.ts';
import type { Servers } from './servers.ts';
import { type Spread, spread } from './statistics.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_LIMIT = 15_000;

/** Seconds from the start of the built package, without an Envoy and on a new database, to its first answered turn. */
export async function measureStart({ mock }: Servers, { starts }: Plan): Promise<Spread> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT });
  const seconds: number[] = [];
  for (let n = 0; n < starts; n++) {
    const product = await startProduct(mock, { built: true });
    await firstAnswer(product.http, START_LIMIT);
    seconds.push((performance.now() - product.begun) / 1000);
    await product.stop();
  }
  return spread(seconds);
}
