import { readFileSync } from 'node:fs';

/** Who spends CPU in a measurement; the `server` is what is measured. */
export type Role = 'load' | 'mock' | 'server' | 'envoy' | 'plain';

/** The processes of a measurement. */
export type Processes = Readonly<Partial<Record<Role, number>>>;

/** CPU by role, in microseconds. */
export type Cpu = Partial<Record<Role, number>>;

/** Linux counts a process's time in ticks of 10 ms on every platform that Node runs on. */
const TICK = 10_000;

/** User and system time that each process has spent so far: with its threads, or its main thread alone. */
export function readCpu(processes: Processes, main = false): Cpu {
  return mapRoles(processes, (pid) => {
    const stat = readFileSync(main ? `/proc/${pid}/task/${pid}/stat` : `/proc/${pid}/stat`, 'latin1');
    // The second field is the name in parentheses, and may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  });
}

/** What the whole machine has spent so far, in microseconds: by programs (`busy`), by other machines on it, and idle. */
export function readMachine(): { busy: number; idle: number; stolen: number } {
  const stat = readFileSync('/proc/stat', 'latin1');
  const ticks = stat.slice(0, stat.indexOf('\n')).split(/ +/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0] = ticks;
  return { busy: (user + nice + system) * TICK, idle: (idle + wait + irq + soft) * TICK, stolen: stolen * TICK };
}

/** The part of the machine's time since `before` that was spent by others than the processes that spent `own`. */
export function partOfOthers(before: ReturnType<typeof readMachine>, own: number): number {
  const after = readMachine();
  const [busy, idle, stolen] = [after.busy - before.busy, after.idle - before.idle, after.stolen - before.stolen];
  return Math.max(0, busy - own + stolen) / (busy + idle + stolen);
}

/** All roles together. */
export function sumOf(cpu: Cpu): number {
  return Object.values(cpu).reduce((sum, value) => sum + value, 0);
}

/** The CPU spent between two readings, for each of `units`. */
export function cpuPer(units: number, before: Cpu, after: Cpu): Cpu {
  return mapRoles(after, (spent, role) => (spent - (before[role] ?? 0)) / units);
}

/** The same roles with other values. */
export function mapRoles(
  values: Readonly<Partial<Record<Role, number>>>,
  change: (value: number, role: Role) => number,
): Cpu {
  // Object.entries forgets which names there are.
  const entries = Object.entries(values) as [Role, number][];
  return Object.fromEntries(entries.map(([role, value]) => [role, change(value, role)]));
}
