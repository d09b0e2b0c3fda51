import { asker, type Language } from './ask.ts';
import { Connection } from './connection.ts';
import { type Cpu, cpuPer, type Processes, partOfOthers, readCpu, readMachine, sumOf } from './cpu.ts';
import { residentOf } from './resident.ts';
import { quantile } from './statistics.ts';
import type { Shape } from './text.ts';

/** A load on one server: as many requests as it answers, each connection sending its next when it has the last answer. */
export interface Load {
  port: number;
  language: Language;
  shape: Shape;
  connections: number;
  seconds: number;
  processes: Processes;
}

/** What a server did under a load; times in ms, CPU in microseconds for each request. */
export interface Bout {
  requests: number;
  requestsPerSecond: number;
  deltasPerSecond: number;
  p50: number;
  p99: number;
  /** Of each process with all of its threads. */
  cpu: Cpu;
  /** Of its main thread alone. */
  main: Cpu;
  /** Bytes of the server in memory at the end. */
  resident?: number;
  /** The part of the machine's time that went to programs that are not measured. */
  others: number;
}

/** Applies a load, checks every answer, and rejects at the first wrong one. */
export async function hammer({ port, language, shape, connections, seconds, processes }: Load): Promise<Bout> {
  const next = asker(language, shape);
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const took: number[] = [];
  let deltas = 0;
  const machine = readMachine();
  const before = readCpu(processes);
  const mainBefore = readCpu(processes, true);
  const begun = performance.now();
  const until = begun + seconds * 1000;
  const run = async (connection: Connection) => {
    for (let at = performance.now(); at < until; ) {
      const ask = next();
      const answer = await connection.send(ask.request);
      const now = performance.now();
      took.push(now - at);
      at = now;
      deltas += ask.check(answer);
    }
  };
  try {
    await Promise.all(open.map(run));
  } finally {
    for (const connection of open) connection.close();
  }
  const elapsed = (performance.now() - begun) / 1000;
  const after = readCpu(processes);
  const mainAfter = readCpu(processes, true);
  return {
    requests: took.length,
    requestsPerSecond: took.length / elapsed,
    deltasPerSecond: deltas / elapsed,
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    cpu: cpuPer(took.length, before, after),
    main: cpuPer(took.length, mainBefore, mainAfter),
    ...(processes.server && { resident: residentOf(processes.server) }),
    others: partOfOthers(machine, sumOf(after) - sumOf(before)),
  };
}
