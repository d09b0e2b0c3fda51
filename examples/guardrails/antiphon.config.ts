import { ApiError, defineConfig, defineTool } from 'antiphon';

/** A function that the server runs: requests name it, as { "type": "function", "name": "add" }. */
const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  schema: {
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
    required: ['a', 'b'],
    additionalProperties: false,
  },
  // What comes is what the model wrote: JSON Schema only tells it what to write.
  run({ a, b }) {
    if (typeof a !== 'number' || typeof b !== 'number') throw new ApiError('invalid_value', 'a and b must be numbers.');
    return { sum: a + b };
  },
});

/** Numbers that look like cards. */
const CARD = /\b(?:\d[ -]?){15}\d\b/;

export default defineConfig({
  tools: [add],
  hooks: {
    /** No card number gets to a model. */
    before({ input }) {
      if (CARD.test(JSON.stringify(input ?? '')))
        throw new ApiError('refused', 'This looks like the number of a card: leave it out.', { param: 'input' });
      return undefined;
    },
    /** And none that a model makes up is kept, or told to those who wait for the whole. */
    after(response) {
      const output = response.output.map((item) => {
        if (item.type !== 'message') return item;
        const content = item.content.map((part) =>
          part.type === 'output_text' ? { ...part, text: part.text.replace(new RegExp(CARD, 'g'), '[number]') } : part,
        );
        return { ...item, content };
      });
      return { ...response, output };
    },
  },
});
