/** Tools that OpenAI's own service runs, by their names without preview or date. */
export const hostedTools = ['web_search', 'file_search', 'code_interpreter', 'image_generation', 'mcp'] as const;
/** The name of one of them. */
export type HostedTool = (typeof hostedTools)[number];

/** A type of tool that means one of them: its name, its preview's or a dated one. */
export type HostedType = `${HostedTool}${'' | `_${string}`}`;

/** What an error says of hosted tools that a choice forces. */
export function notRun(names: string): string {
  return `${names}, which this server does not run: \`dropTools\` in its configuration leaves it out only where nothing forces it`;
}

/** Whether a type of tool means a hosted tool. */
export function isHosted(type: string): type is HostedType {
  return hostedToolOf(type) !== undefined;
}

/** The hosted tool that a type of tool means, its preview and its dated types included; undefined for any other. */
export function hostedToolOf(type: string): HostedTool | undefined {
  const name = type.replace(/(_preview)?(_\d{4}_\d\d_\d\d)?$/, '');
  return hostedTools.find((known) => known === name);
}
