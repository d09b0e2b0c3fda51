import { fixedLimits } from '../handler/index.ts';

/**
 * Takes one step for each wish to stop, SIGTERM or SIGINT; the last step again for any further. Signals within
 * `fixedLimits.signals` of the first are the same wish: npm passes on what the terminal, or a signal to the group, has told
 * us already. SIGHUP ends nothing.
 */
export function onSignals(steps: readonly [() => void, ...(() => void)[]]): void {
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
  process.on('SIGHUP', () => {});
}
