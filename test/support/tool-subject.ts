import type { ToolSubject } from '../../handler/tools/contract/subject.ts';
import type { Tool } from '../../handler/tools/tool.ts';
import { testHandler } from './doors/in-process.ts';
import { callsFunctions, type Script, says, startScriptedModel } from './model/scripted.ts';
import { testTool, testToolUseOf } from './test-tool.ts';

let labels = 0;

/** Calls a function where it is offered, until its result was read. */
function calling(name: string, args: object): Script {
  return (turn) => {
    const { messages, tools } = turn.body;
    const offered = tools && messages.at(-1).role !== 'tool';
    return (offered ? callsFunctions({ name, args: JSON.stringify(args) }) : says('Done.'))(turn);
  };
}

/** Resolves once something is so. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The test tool in a handler of its own, or what is made of it. */
export async function testToolSubject(tool: Tool = testTool): Promise<ToolSubject> {
  const model = await startScriptedModel();
  const handler = await testHandler(model, { tools: [tool] });
  const label = `subject-${labels++}`;
  const use = testToolUseOf(label);
  return {
    tool,
    entry: { type: tool.type, label, shows: true },
    fetch: (request) => handler.fetch(request),
    model: model.script(calling('add', { a: 123_000, b: 456 })),
    result: '123456',
    waits: model.script(calling('wait', {})),
    running: () => until(() => use.waiting > use.left),
    closed: () => until(() => use.closed === use.opened && use.left === use.waiting),
    opened: () => use.opened,
    sent: (name) => model.calls(name).map(({ body }) => body),
    async close() {
      await handler.close();
      await model.close();
    },
  };
}
