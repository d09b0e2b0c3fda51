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
  /** Texts of the entry that nobody may see, and an input by which a call is approved. */
  secrets?: readonly string[];
  approves?: readonly object[];
}

/** Calls functions where they are offered, until its result was read. */
function calling(...calls: { name: string; args: object }[]): Script {
  return (turn) => {
    const { messages, tools } = turn.body;
    const offered = tools && messages.at(-1).role !== 'tool';
    const made = calls.map(({ name, args }, index) => ({ name, args: JSON.stringify(args), id: `c${index}` }));
    return (offered ? callsFunctions(...made) : says('Done.'))(turn);
  };
}

/** A tool in a handler of its own, before a scripted model that calls it. */
export async function toolSubject(
  tool: Tool,
  { entry, calls, result, waits, secrets = [], approves }: Use,
): Promise<ToolSubject> {
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
    twice: model.script(calling(calls, calls)),
    secrets,
    ...(approves && { approval: { input: approves, model: model.script(says('Done.')) } }),
    sent: (name) => model.calls(name).map(({ body }) => body),
    async close() {
      await handler.close();
      await model.close();
    },
  };
}
