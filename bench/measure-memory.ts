import { setTimeout as sleep } from 'node:timers/promises';
import type { Language } from './ask.ts';
import type { Generator } from './generator.ts';
import { CONNECTIONS, MEMORY, type Plan, SHAPES } from './plan.ts';
import { startProduct } from './product.ts';
import { residentOf } from './resident.ts';
import type { Resident } from './results.ts';
import type { Servers } from './servers.ts';
import type { Shape } from './text.ts';

/** Resident memory of a fresh product for each load over plain HTTP: idle, at its greatest, and when all is over. */
export async function measureMemory({ mock }: Servers, plan: Plan, generator: Generator): Promise<Resident[]> {
  const { turn, stream } = CONNECTIONS;
  const seconds = plan.memory;
  const measure = (label: string, language: Language, shape: Shape, connections: number) =>
    measureLoad(mock, generator, { label, language, shape, connections, seconds });
  return [
    await measure('JSON turns', 'responses', SHAPES.turn, turn),
    await measure('streams', 'responses stream', SHAPES.bursts, stream),
    await measure('held streams', 'responses stream', SHAPES.held, plan.held),
  ];
}

interface MeasuredLoad {
  label: string;
  language: Language;
  shape: Shape;
  connections: number;
  seconds: number;
}

async function measureLoad(mock: number, generator: Generator, { label, ...load }: MeasuredLoad): Promise<Resident> {
  const product = await startProduct(mock);
  try {
    await sleep(MEMORY.rest);
    const idle = residentOf(product.pid);
    let peak = idle;
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentOf(product.pid));
    }, MEMORY.sample);
    await generator.hammer({ ...load, port: product.http, processes: { server: product.pid } });
    clearInterval(sampling);
    await sleep(MEMORY.rest);
    return { label, connections: load.connections, idle, peak, after: residentOf(product.pid) };
  } finally {
    await product.stop();
  }
}
