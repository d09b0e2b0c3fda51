import type { ClientTool } from '../../protocol/tools.ts';
import type { BackendEvent } from '../backend.ts';

/** The events, with calls of `async` tools marked: the model goes on without their output. */
export function markAsync(events: Events, tools: readonly ClientTool[]): Events {
  const names = new Set(tools.flatMap(asyncNames));
  return names.size > 0 ? marked(events, names) : events;
}

type Events = AsyncIterable<BackendEvent>;

async function* marked(events: Events, names: ReadonlySet<string>): AsyncGenerator<BackendEvent, void> {
  for await (const event of events) {
    if (event.type === 'response.output_item.added' || event.type === 'response.output_item.done') {
      const { item } = event;
      const isCall = item.type === 'function_call' || item.type === 'custom_tool_call';
      if (isCall && names.has(key(item.name, item.namespace))) item.async = true;
    }
    yield event;
  }
}

function asyncNames(tool: ClientTool): string[] {
  if (tool.type === 'namespace') {
    return tool.tools.filter((member) => member.async).map(({ name }) => key(name, tool.name));
  }
  return 'async' in tool && tool.async ? [key(tool.name, undefined)] : [];
}

function key(name: string, namespace: string | undefined): string {
  return `${namespace ?? ''} ${name}`;
}
