import { unsupported } from '../errors.ts';
import type { ClientTool, CustomTool, FunctionTool } from '../protocol/tools.ts';

/** The client's tools: those the model can call, and those deferred until a search loads them. */
export class ToolCatalog {
  /** Tools that can be called at first, with their places in the request. */
  readonly callable = new Map<ClientTool, string>();
  /** Deferred tools that can be called once loaded, with their places. */
  readonly deferred = new Map<ClientTool, string>();
  /** Whether this server runs the search. */
  readonly searches: boolean;
  readonly #names = new Set<string>();

  /**
   * Sorts the tools into callable and deferred. Those `fromSearch` are deferred no more, those the model may not call
   * cannot be searched for, and of two with one name the first counts. Throws an ApiError that names a deferred tool
   * without a tool_search.
   */
  constructor(
    tools: ReadonlyMap<ClientTool, string>,
    fromSearch: ReadonlySet<ClientTool>,
    mayCall: (tool: ClientTool) => boolean = () => true,
  ) {
    const search = [...tools.keys()].find((tool) => tool.type === 'tool_search');
    const isOurs = search?.execution === 'server';
    for (const [tool, param] of tools) {
      if (tool.type === 'tool_search' && isOurs) continue;
      // Loaded tools are sent without `defer_loading`: the model's server knows nothing of our search.
      this.#offer(isOurs && fromSearch.has(tool) ? loaded(tool) : tool, param, fromSearch.has(tool));
      const later = fromSearch.has(tool) ? undefined : part(tool, isDeferred);
      if (!later) continue;
      if (!search) throw unsupported(paramOf(tool, param), 'needs a tool_search by which the tool can be found');
      const reachable = part(later, mayCall);
      if (reachable) this.deferred.set(reachable, param);
    }
    this.searches = isOurs && this.deferred.size > 0;
  }

  /** Loads deferred tools during one turn: gives the tools, or members, that the turn has not had yet. */
  loader(): (tools: readonly ClientTool[]) => ClientTool[] {
    const names = new Set(this.#names);
    return (tools) => tools.flatMap((tool) => part(loaded(tool), isNew(names)) ?? []);
  }

  /** All tools that may come to be called, with their places. */
  get all(): Map<ClientTool, string> {
    const [all, names] = [new Map(this.callable), new Set(this.#names)];
    for (const [tool, param] of this.deferred) {
      const fresh = part(loaded(tool), isNew(names));
      if (fresh) all.set(fresh, param);
    }
    return all;
  }

  #offer(tool: ClientTool, param: string, whole: boolean): void {
    const fresh = part(
      tool,
      isNew(this.#names, (member) => whole || !isDeferred(member)),
    );
    if (fresh) this.callable.set(fresh, param);
  }
}

/** The names of functions outside of namespaces that are deferred, or were until a search loaded them. */
export function deferredNames(tools: Iterable<ClientTool>): Set<string> {
  const names = new Set<string>();
  for (const tool of tools) if (tool.type === 'function' && isDeferred(tool)) names.add(tool.name);
  return names;
}

type Member = Exclude<ClientTool, { type: 'namespace' }>;

/** A tool, or a namespace with the members that `keeps` accepts; undefined if none. */
function part(tool: ClientTool, keeps: (member: Member, namespace?: string) => boolean): ClientTool | undefined {
  if (tool.type !== 'namespace') return keeps(tool) ? tool : undefined;
  const tools = tool.tools.filter((member) => keeps(member, tool.name));
  if (tools.length === tool.tools.length) return tool;
  return tools.length > 0 ? { ...tool, tools } : undefined;
}

/** Accepts a tool that counts if its name is new, and remembers the name. */
function isNew(names: Set<string>, counts: (member: Member) => boolean = () => true) {
  return (member: Member, namespace = '') => {
    // Keys differ for names and built-in types, since a function may be named like a type.
    const name = 'name' in member ? `${namespace} ${member.name}` : member.type;
    if (names.has(name) || !counts(member)) return false;
    names.add(name);
    return true;
  };
}

function isDeferred(member: Member): boolean {
  return 'defer_loading' in member && member.defer_loading === true;
}

/** A tool without `defer_loading`. */
function loaded(tool: ClientTool): ClientTool {
  if (tool.type === 'namespace') return { ...tool, tools: tool.tools.map(undeferred) };
  return tool.type === 'function' || tool.type === 'custom' ? undeferred(tool) : tool;
}

function undeferred<T extends FunctionTool | CustomTool>(tool: T): T {
  const { defer_loading: _, ...rest } = tool;
  return rest as T; // which may be missing
}

function paramOf(tool: ClientTool, param: string): string {
  const at = tool.type === 'namespace' ? `.tools[${tool.tools.findIndex(isDeferred)}]` : '';
  return `${param}${at}.defer_loading`;
}
