// Parts of items with every member that the official types give them, and every value that a member may have.

const PNG = 'data:image/png;base64,AA==';

/** A part again for each of the lifetimes that the end of a cached beginning may have. */
function withBreakpoints<P extends object>(part: P) {
  return ['30m', '12h'].map((ttl) => ({ ...part, prompt_cache_breakpoint: { mode: 'explicit', ttl } }));
}

const file = { type: 'input_file', file_data: 'data:text/plain;base64,AA==', filename: 'a.txt' };

/** Content that a client gives the model. */
export const inputParts = [
  ...withBreakpoints({ type: 'input_text', text: 'Hi' }),
  ...['low', 'high', 'original'].map((detail) => ({ type: 'input_image', image_url: PNG, detail })),
  ...withBreakpoints({ type: 'input_image', image_url: PNG, detail: 'auto' }),
  ...['auto', 'low', 'high'].map((detail) => ({ ...file, detail })),
  ...withBreakpoints({ type: 'input_file', file_url: 'https://files.test/a.pdf', filename: 'a.pdf' }),
];

const place = { start_index: 0, end_index: 1 };

/** Content that a model gave, sent back. */
export const outputParts = [
  {
    type: 'output_text',
    text: 'See X.',
    annotations: [
      { type: 'url_citation', url: 'https://x.test/', title: 'X', ...place },
      { type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 0 },
      { type: 'container_file_citation', container_id: 'cntr_1', file_id: 'cfile_1', filename: 'b.txt', ...place },
      { type: 'file_path', file_id: 'file_2', index: 1 },
    ],
    logprobs: [
      { token: 'See', logprob: -0.5, bytes: [83, 101, 101], top_logprobs: [{ token: 'A', logprob: -2, bytes: [65] }] },
    ],
  },
  { type: 'refusal', refusal: 'No.' },
];

/** What a computer is to do. */
export const actions = [
  ...['left', 'right', 'wheel', 'back', 'forward'].map((button) => ({
    type: 'click',
    button,
    x: 1,
    y: 2,
    keys: ['SHIFT'],
  })),
  { type: 'double_click', x: 1, y: 2, keys: ['SHIFT'] },
  {
    type: 'drag',
    path: [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
    keys: ['SHIFT'],
  },
  { type: 'keypress', keys: ['ENTER'] },
  { type: 'move', x: 1, y: 2, keys: ['SHIFT'] },
  { type: 'screenshot' },
  { type: 'scroll', x: 1, y: 2, scroll_x: 0, scroll_y: 9, keys: ['SHIFT'] },
  { type: 'type', text: 'Hi' },
  { type: 'wait' },
];

/** A computer's screen. */
export const screenshots = [
  ...['low', 'high', 'original'].map((detail) => ({ type: 'computer_screenshot', image_url: PNG, detail })),
  ...withBreakpoints({ type: 'computer_screenshot', image_url: PNG, detail: 'auto' }),
];

/** What a safety check says. */
export const safetyCheck = { id: 'sc_1', code: 'malicious_instructions', message: 'Look first.' };

/** Changes of a file. */
export const operations = [
  { type: 'create_file', path: 'a', diff: '+a' },
  { type: 'update_file', path: 'a', diff: '-a\n+b' },
  { type: 'delete_file', path: 'a' },
];

/** Why a call of a server-side tool failed. */
export const mcpErrors = [
  { type: 'mcp_protocol_error', code: -32_600, message: 'no' },
  { type: 'mcp_tool_execution_error', content: [{ type: 'text', text: 'no' }] },
  { type: 'http_error', code: 503, message: 'no' },
];
