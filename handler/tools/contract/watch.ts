import { decorate } from '../decorate.ts';
import type { Tool } from '../tool.ts';
import type { ToolSubject } from './subject.ts';

/**
 * A tool as its `ToolSubject` has it: how often it was opened, when a function of it runs, and when nothing of it is open any
 * more. The handler has to be given the `tool` that this returns, which counts its use, and is otherwise the same.
 */
export function watchTool(tool: Tool): Pick<ToolSubject, 'tool' | 'opened' | 'running' | 'closed'> {
  let [opened, current, running] = [0, 0, 0];
  let changed = Promise.withResolvers<void>();
  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) await changed.promise;
  };
  return {
    opened: () => opened,
    running: () => until(() => running > 0),
    closed: () => until(() => running === 0 && current === 0),
    tool: decorate(tool, {
      open: (open) =>
        async function* (config, signal, context) {
          const functions = yield* open(config, signal, context);
          opened++;
          current++;
          tell();
          return functions;
        },
      run: (run) =>
        async function* (call, signal, context) {
          running++;
          tell();
          try {
            return yield* run(call, signal, context);
          } finally {
            running--;
            tell();
          }
        },
      close: (close) => async () => {
        await close();
        current--;
        tell();
      },
    }),
  };
}
