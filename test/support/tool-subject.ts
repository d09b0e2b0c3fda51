import type { ToolSubject } from '../../handler/tools/contract/subject.ts';
import { watchTool } from '../../handler/tools/contract/watch.ts';
import type { Tool } from '../../handler/tools/tool.ts';
import { testHandler } from './doors/in-process.ts';
import { callsFunctions, type Script, says, startScriptedModel } from './model/scripted.ts';

/** How a tool is used where it is tried. */
interface Use {
  /** Its entry in `tools`, beside its type. */
  entry?: object;
  /** The function that is called, with its arguments; `result` is a text of what it returns. */
  calls: { name: string; args: object };
  result: string;
  /** A function that runs until it is aborted, with its arguments; null if there is none. */
  waits: { name: string; args: object } | null;
}

/** Calls a function where it is offered, until its result was read. */
function calling({ name, args }: { name: string; args: object }): Script {
  return (turn) => {
    const { messages, tools } = turn.body;
    const offered = tools && messages.at(-1).role !== 'tool';
    return (offered ? callsFunctions({ name, args: JSON.stringify(args) }) : says('Done.'))(turn);
  };
}

/** A tool in a handler of its own, before a scripted model that calls it. */
export async function toolSubject(tool: Tool, { entry, calls, result, waits }: Use): Promise<ToolSubject> {
  const model = await startScriptedModel();
  const watched = watchTool(tool);
  const handler = await testHandler(model, { tools: [watched.tool] });
  return {
    ...watched,
    entry: { type: tool.type, ...entry },
    fetch: (request) => handler.fetch(request),
    model: model.script(calling(calls)),
    result,
    waits: waits && model.script(calling(waits)),
    sent: (name) => model.calls(name).map(({ body }) => body),
    async close() {
      await handler.close();
      await model.close();
    },
  };
}
