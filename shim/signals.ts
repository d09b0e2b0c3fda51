import { fixedLimits } from '../handler/index.ts';

/**
 * Runs one step per stop signal, SIGTERM or SIGINT, and the last step again for any further. Signals within
 * `fixedLimits.signals` of one that counted are ignored: npm repeats what the terminal or the process group has already sent us.
 * SIGHUP reloads.
 */
export function onSignals(steps: readonly [() => void, ...(() => void)[]], reload: () => void): void {
  const remaining = [...steps];
  let lastSignal = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    const now = performance.now();
    if (now - lastSignal < fixedLimits.signals) return;
    lastSignal = now;
    const [step] = remaining.length > 1 ? remaining.splice(0, 1) : remaining;
    step?.();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', reload);
}
