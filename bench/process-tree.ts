import { readdirSync, readFileSync } from 'node:fs';

/** A process: its command line, with spaces between, and the microseconds of CPU that it and its ended children have used. */
export interface TreeProcess {
  pid: number;
  command: string;
  cpu: number;
}

/** Linux counts in ticks of 10 ms on every platform that Node runs on. */
const TICK = 10_000;

/** A process and all that it has started, directly or not. */
export function processTree(root: number): TreeProcess[] {
  const parents = new Map<number, number>();
  const found = new Map<number, TreeProcess>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The second field is the name in parentheses, and may hold spaces.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const pid = Number(name);
      parents.set(pid, fields[1] ?? 0);
      const cpu = fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) * TICK;
      found.set(pid, { pid, cpu, command: readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ') });
    } catch {
      // It has ended.
    }
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at; at = parents.get(at)) if (at === root) return true;
    return false;
  };
  return [...found.values()].filter(({ pid }) => isBelow(pid));
}
