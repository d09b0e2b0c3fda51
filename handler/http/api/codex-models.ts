import type { KnownModel } from '../../routing/models.ts';

/** What Codex is told where a model has no instructions of its own: without any it refuses the whole list. */
const INSTRUCTIONS = `You are a coding agent. You share a folder and a terminal with a user, and work there with the tools that you are given.

- Read before you change: look at the files, the tests and the conventions around the place, and follow them. Use \`rg\` to search where it is there.
- Do what was asked, all of it, and no more. Mend causes, not symptoms. Leave alone what you did not make, other people's uncommitted changes above all.
- Change files by \`apply_patch\` where there is such a tool or command, else with the shell. Keep changes small and in the style of the code.
- Run what shows that it works: the tests, the type checker, the program. Say so where you could not.
- Never run what destroys work (\`git reset --hard\`, deleting files that you did not make) unless you were asked to.
- Go on until the task is done, and ask only for what you cannot find out. Call several tools at once where none waits for another.
- Use the plan tool for work of several steps, if there is one, and keep it up to date.
- Obey the files AGENTS.md of the folders that you work in; what the user says goes before them.
- Answer shortly, in plain text for a terminal: what you did, where, and what is left. Name files by their paths. Do not paste whole files.`;

/** The kinds of input that Codex knows; a list with any other it does not read. */
const INPUTS = new Set(['text', 'image']);

/**
 * A model as Codex reads it (`ModelInfo` of https://github.com/openai/codex, codex-rs/protocol/src/openai_models.rs): every member without a
 * default there, and of the others what is known. `priority` is its place in Codex's own list.
 */
export function codexModel({ id, context, inputs }: KnownModel, priority: number) {
  const known = inputs?.filter((input) => INPUTS.has(input));
  return {
    slug: id,
    display_name: id,
    description: null,
    // Which efforts a model has no server tells.
    supported_reasoning_levels: [],
    supports_reasoning_summaries: true,
    default_reasoning_summary: 'auto',
    shell_type: 'default',
    visibility: 'list',
    supported_in_api: true,
    priority,
    upgrade: null,
    base_instructions: INSTRUCTIONS,
    support_verbosity: false,
    default_verbosity: null,
    apply_patch_tool_type: null,
    truncation_policy: { mode: 'bytes', limit: 10_000 },
    supports_parallel_tool_calls: true,
    experimental_supported_tools: [],
    ...(context !== undefined && { context_window: context, max_context_window: context }),
    ...(known && known.length > 0 && { input_modalities: known }),
  };
}
