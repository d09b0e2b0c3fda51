import type { Tool } from '../tool.ts';
import type { ToolSubject } from './subject.ts';

/**
 * A tool as its `ToolSubject` has it: how often it was opened, when a function of it runs, and when nothing of it is open any
 * more. The handler has to be given the `tool` that this returns, which counts its use, and is otherwise the same.
 */
export function watchTool(tool: Tool): Pick<ToolSubject, 'tool' | 'opened' | 'running' | 'closed'> {
  let [opened, open, running] = [0, 0, 0];
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
    closed: () => until(() => running === 0 && open === 0),
    tool: {
      type: tool.type,
      parse: (entry, param, context) => tool.parse(entry, param, context),
      ...(tool.echo && { echo: (entry) => tool.echo?.(entry) ?? entry }),
      ...(tool.definitions && { definitions: (config) => tool.definitions?.(config) ?? [] }),
      async *open(config, signal, context) {
        const { functions, close, ...rest } = yield* tool.open(config, signal, context);
        opened++;
        open++;
        tell();
        return {
          ...rest,
          functions: functions.map((fn) => ({
            definition: fn.definition,
            async *run(call, signal, context) {
              running++;
              tell();
              try {
                return yield* fn.run(call, signal, context);
              } finally {
                running--;
                tell();
              }
            },
          })),
          async close() {
            await close?.();
            open--;
            tell();
          },
        };
      },
    },
  };
}
