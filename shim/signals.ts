import { fixedLimits } from '../handler/index.ts';

/**
 * Takes one step for each wish to stop, SIGTERM or SIGINT; the last step again for any further. Signals within
 * `fixedLimits.signals` of the first are the same wish: npm passes on what the terminal, or a signal to the group, has told
 * us already. SIGHUP ends nothing.
 */
export function onSignals(steps: readonly [() => void, ...(() => void)[]]): void {
  const left = [...steps];
  let heard = Number.NEGATIVE_INFINITY;
  const hear = () => {
    const now = performance.now();
    if (now - heard < fixedLimits.signals) return;
    heard = now;
    const [step] = left.length > 1 ? left.splice(0, 1) : left;
    step?.();
  };
  process.on('SIGTERM', hear);
  process.on('SIGINT', hear);
  process.on('SIGHUP', () => {});
}
