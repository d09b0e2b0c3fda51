import type { ServerFunction, ServerFunctions, Tool, ToolUse } from './tool.ts';

/** What is put around the members of a tool that work. */
export interface Around {
  open?(open: Tool['open'], tool: Tool): Tool['open'];
  run?(run: ServerFunction['run'], fn: ServerFunction, tool: Tool): ServerFunction['run'];
  close?(close: () => Promise<void>): () => Promise<void>;
}

/** A tool with something around what it does; all else is the tool's own. */
export function decorate(tool: Tool, { open: aroundOpen, run: aroundRun, close: aroundClose }: Around): Tool {
  const open: Tool['open'] = (config, signal, context) => tool.open(config, signal, context);
  const outer = aroundOpen?.(open, tool) ?? open;
  return {
    type: tool.type,
    parse: (entry, param, context) => tool.parse(entry, param, context),
    ...(tool.credentials && { credentials: tool.credentials }),
    ...(tool.echo && { echo: (entry) => tool.echo?.(entry) ?? entry }),
    ...(tool.definitions && { definitions: (config) => tool.definitions?.(config) ?? [] }),
    async *open(config, signal, context) {
      const opened: ServerFunctions = yield* outer(config, signal, context);
      const { functions, calls, marks, owns } = opened;
      const close = async () => opened.close?.();
      return {
        ...(calls && { calls }),
        ...(marks && { marks }),
        ...(owns && { owns: (name) => opened.owns?.(name) ?? false }),
        close: aroundClose?.(close) ?? close,
        functions: functions.map((fn) => {
          const run: ServerFunction['run'] = (call, own, its) => fn.run(call, own, its);
          return {
            definition: fn.definition,
            run: aroundRun?.(run, fn, tool) ?? run,
            ...(fn.asks && { asks: (call) => fn.asks?.(call) ?? false }),
          };
        }),
      };
    },
  };
}

/** The same for all tools of a turn. */
export function decorateAll(uses: readonly ToolUse[], around: Around): ToolUse[] {
  return uses.map((use) => ({ ...use, tool: decorate(use.tool, around) }));
}
