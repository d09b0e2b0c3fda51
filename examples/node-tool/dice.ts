import { type McpCall, mcpFunctionName, newItemId, type Tool, unsupported } from 'antiphon/tool';

/** `{ "type": "dice", "sides": 20 }` among the tools of a request lets the model roll dice on this server. */
export const dice: Tool<{ sides: number }> = {
  type: 'dice',

  /** Checks the entry once, before anything is promised; `param` is its place in the request, such as `tools[0]`. */
  parse({ sides = 6 }, param) {
    if (typeof sides === 'number' && Number.isInteger(sides) && sides > 1) return { sides };
    throw unsupported(`${param}.sides`, 'must be a whole number from 2 on');
  },

  /** Opens it for one turn: the functions are what the model is told of. */
  async *open({ sides }) {
    return {
      functions: [
        {
          definition: {
            type: 'function',
            name: mcpFunctionName('dice', 'roll'), // as later turns name it, where only the item is left
            description: `Rolls a die with ${sides} sides.`,
            parameters: { type: 'object', properties: {}, additionalProperties: false },
          },
          /** What it yields the client sees; what it returns the model reads. */
          async *run(call) {
            const output = String(1 + Math.floor(Math.random() * sides));
            const item: McpCall = {
              type: 'mcp_call',
              id: newItemId('mcp_call'),
              server_label: 'dice',
              name: 'roll',
              arguments: call.arguments,
              output: null,
              error: null,
              approval_request_id: null,
              status: 'in_progress',
            };
            const place = { sequence_number: 0, output_index: 0 }; // the turn numbers them
            yield { type: 'response.output_item.added', ...place, item };
            yield { type: 'response.output_item.done', ...place, item: { ...item, output, status: 'completed' } };
            return { output };
          },
        },
      ],
    };
  },
};
