const allowed_callers = ['direct'];
const parameters = { type: 'object', properties: { a: { type: 'number' } } };
const more = { allowed_callers, async: false, defer_loading: true };
const fn = {
  type: 'function',
  name: 'f',
  description: 'd',
  parameters,
  strict: true,
  output_schema: parameters,
  ...more,
};
const custom = { type: 'custom', name: 'c', description: 'd', format: { type: 'text' }, ...more };
const grammar = (syntax: string) => ({ type: 'grammar', syntax, definition: syntax === 'lark' ? 'start: "a"' : 'a+' });

/** Tools with every member that the official types give them, and every value that a member may have. */
export const exampleTools = [
  fn,
  { ...fn, name: 'f2', strict: false },
  custom,
  ...['lark', 'regex'].map((syntax) => ({ ...custom, name: syntax, format: grammar(syntax) })),
  {
    type: 'namespace',
    name: 'n',
    description: 'd',
    tools: [
      { ...fn, name: 'g' },
      { ...custom, name: 'h' },
    ],
  },
  { type: 'local_shell' },
  {
    type: 'shell',
    environment: { type: 'local', skills: [{ name: 's', description: 'd', path: '/s' }] },
    allowed_callers,
  },
  { type: 'apply_patch', allowed_callers },
  { type: 'computer' },
  ...['windows', 'mac', 'linux', 'ubuntu', 'browser'].map((environment) => ({
    type: 'computer_use_preview',
    display_width: 800,
    display_height: 600,
    environment,
  })),
  ...['client', 'server'].map((execution) => ({ type: 'tool_search', execution, description: 'd', parameters })),
];
