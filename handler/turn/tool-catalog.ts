import { unsupported } from '../errors.ts';
import type { ClientTool, CustomTool, FunctionTool } from '../protocol/tools.ts';

/** The client's tools as the model is offered them: those that it can call, and those that are deferred until a search loads them. */
export class ToolCatalog {
  /** Those that it can call at first, with their places in the request. */
  readonly callable = new Map<ClientTool, string>();
  /** Those that are deferred and that it may call once they are loaded, with their places. */
  readonly deferred = new Map<ClientTool, string>();
  /** Whether the server is to search for them. */
  readonly searches: boolean;
  readonly #names = new Set<string>();

  /**
   * Parts the tools with their places: what comes `fromSearch` is deferred no more, what the model may not call is not to
   * be found, and of two that have one name the first counts. Throws an ApiError that names a deferred tool that nothing
   * can find.
   */
  constructor(
    tools: ReadonlyMap<ClientTool, string>,
    fromSearch: ReadonlySet<ClientTool>,
    mayCall: (tool: ClientTool) => boolean = () => true,
  ) {
    const search = [...tools.keys()].find((tool) => tool.type === 'tool_search');
    const isOurs = search?.execution === 'server';
    for (const [tool, place] of tools) {
      if (tool.type === 'tool_search' && isOurs) continue;
      // The model's server knows of no search that is made here.
      this.#offer(isOurs && fromSearch.has(tool) ? loaded(tool) : tool, place, fromSearch.has(tool));
      const later = fromSearch.has(tool) ? undefined : part(tool, isDeferred);
      if (!later) continue;
      if (!search) throw unsupported(placeOf(tool, place), 'needs a tool_search by which the tool can be found');
      const reachable = part(later, mayCall);
      if (reachable) this.deferred.set(reachable, place);
    }
    this.searches = isOurs && this.deferred.size > 0;
  }

  /** Loads deferred tools in the course of one run: gives those, or those parts of them, that have not been shown in it yet. */
  loader(): (tools: readonly ClientTool[]) => ClientTool[] {
    const names = new Set(this.#names);
    return (tools) => tools.flatMap((tool) => part(loaded(tool), isNew(names)) ?? []);
  }

  /** All that it can come to call, with their places. */
  get all(): Map<ClientTool, string> {
    const [all, names] = [new Map(this.callable), new Set(this.#names)];
    for (const [tool, place] of this.deferred) {
      const fresh = part(loaded(tool), isNew(names));
      if (fresh) all.set(fresh, place);
    }
    return all;
  }

  #offer(tool: ClientTool, place: string, whole: boolean): void {
    const fresh = part(
      tool,
      isNew(this.#names, (member) => whole || !isDeferred(member)),
    );
    if (fresh) this.callable.set(fresh, place);
  }
}

type Member = Exclude<ClientTool, { type: 'namespace' }>;

/** A tool, or as much of a namespace as is to be kept; undefined if that is nothing. */
function part(tool: ClientTool, keeps: (member: Member, namespace?: string) => boolean): ClientTool | undefined {
  if (tool.type !== 'namespace') return keeps(tool) ? tool : undefined;
  const tools = tool.tools.filter((member) => keeps(member, tool.name));
  if (tools.length === tool.tools.length) return tool;
  return tools.length > 0 ? { ...tool, tools } : undefined;
}

/** Whether a tool counts, and no other of its name has counted before. */
function isNew(names: Set<string>, counts: (member: Member) => boolean = () => true) {
  return (member: Member, namespace = '') => {
    // A type of the API's own is no name: a function may be called as one is.
    const name = 'name' in member ? `${namespace} ${member.name}` : member.type;
    if (names.has(name) || !counts(member)) return false;
    names.add(name);
    return true;
  };
}

function isDeferred(member: Member): boolean {
  return 'defer_loading' in member && member.defer_loading === true;
}

/** A tool as it is when it is not deferred. */
function loaded(tool: ClientTool): ClientTool {
  if (tool.type === 'namespace') return { ...tool, tools: tool.tools.map(undeferred) };
  return tool.type === 'function' || tool.type === 'custom' ? undeferred(tool) : tool;
}

function undeferred<T extends FunctionTool | CustomTool>(tool: T): T {
  const { defer_loading: _, ...rest } = tool;
  return rest as T; // which may be missing
}

function placeOf(tool: ClientTool, place: string): string {
  const at = tool.type === 'namespace' ? `.tools[${tool.tools.findIndex(isDeferred)}]` : '';
  return `${place}${at}.defer_loading`;
}
