import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { callsFunctions, type ScriptedModel, says } from './model/scripted.ts';
import { pdf } from './pdf.ts';
import type { ScriptedWeb } from './scripted-web.ts';

const call = (name: string, args: object, id: string) => ({ name, args: JSON.stringify(args), id });

/** A model that searches, opens a page and a PDF file, and cites both: what it read, and what came of it. */
export async function walkTheWeb(
  model: ScriptedModel,
  web: ScriptedWeb,
  ask: (body: object) => Promise<OpenAI.Responses.Response>,
): Promise<{ read: string[]; response: OpenAI.Responses.Response }> {
  const file = web.page('/a.pdf', {
    title: 'A PDF file',
    snippet: 'In a file.',
    type: 'application/pdf',
    body: pdf('Rain fell on 13 March 2031.'),
  });
  const name = model.script(
    callsFunctions(call('web_search', { query: 'snow' }, 'c1')),
    callsFunctions(call('open_page', { page: '1' }, 'c2'), call('open_page', { page: file }, 'c3')),
    says('Snow【1】.'),
  );
  const response = await ask({ model: name, input: `Look at ${file}`, tools: [{ type: 'web_search' }] });
  const { messages } = model.calls(name).at(-1)?.body ?? assert.fail('the model was not called');
  const read = messages.flatMap(({ role, content }: { role: string; content: string }) =>
    role === 'tool' ? content : [],
  );
  return { read, response };
}

/** Asserts that all of it was read and cited. */
export function assertWalked({ read, response }: Awaited<ReturnType<typeof walkTheWeb>>, web: ScriptedWeb): void {
  assert.match(read[0] ?? '', /【1】 All about snow/);
  assert.match(read[1] ?? '', /Snow fell on 12 March 2031\./);
  assert.match(read[2] ?? '', /Rain fell on 13 March 2031\./);
  assert.deepEqual(
    response.output.map((item) => ('status' in item ? `${item.type} ${item.status}` : item.type)),
    [...Array(3).fill('web_search_call completed'), 'message completed'],
  );
  assert.partialDeepStrictEqual(response.output.at(-1), {
    content: [{ text: `Snow([127.0.0.1](${web.origin}/snow)).`, annotations: [{ url: `${web.origin}/snow` }] }],
  });
}
