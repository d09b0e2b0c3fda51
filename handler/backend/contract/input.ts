import { type ContractCase, check, contractCase } from '../../contract.ts';
import type { Item } from '../../items/item.ts';
import type { Message } from '../../items/message.ts';
import type { InputPart } from '../../protocol/content.ts';
import { checkDiffer, outcomeOf } from './outcome.ts';
import { type BackendSubject, isRefused } from './subject.ts';

// What stands in an input is carried, part by part, or the input is refused. Reasoning of earlier turns may be left out.

type Part = Message['content'][number];

const text = (words: string): InputPart => ({ type: 'input_text', text: words });
const said = (words: string): Part => ({ type: 'output_text', text: words, annotations: [], logprobs: [] });
const refusal = (words: string): Part => ({ type: 'refusal', refusal: words });
const image = (image_url: string): InputPart => ({ type: 'input_image', image_url });
const file = (members: object): InputPart => ({ type: 'input_file', ...members });
const data = (type: string, base64: string) => `data:${type};base64,${base64}`;

const base = { id: 'msg_1', status: 'completed' } as const;
const message = (role: Message['role'], ...content: Part[]): Item => ({ ...base, type: 'message', role, content });
const user = (...content: InputPart[]): Item => message('user', ...content);
/** What the model is to answer, last. */
const ask = user(text('And now?'));
const call = (args: string): Item => ({ ...base, type: 'function_call', call_id: 'c1', name: 'f', arguments: args });
const custom = (input: string): Item => ({ ...base, type: 'custom_tool_call', call_id: 'c1', name: 'f', input });
const gave = (output: string | InputPart[]): Item => ({ ...base, type: 'function_call_output', call_id: 'c1', output });
const look = text('Look:');

/** Inputs that differ in what the name says, the first without it. */
const variants: Readonly<Record<string, readonly (readonly Item[])[]>> = {
  'what a user said before': [[ask], [user(text('One')), ask], [user(text('One two')), ask]],
  'what the model said before': [
    [ask, ask],
    [ask, message('assistant', said('One')), ask],
    [ask, message('assistant', said('One two')), ask],
    [ask, user(text('One')), ask],
  ],
  'a refusal of the model': [
    [ask, message('assistant', said('One')), ask],
    [ask, message('assistant', said('One'), refusal('No never')), ask],
    [ask, message('assistant', refusal('No, no, not that')), ask],
  ],
  'the role of a developer': [
    [user(text('One')), ask],
    [message('developer', text('One')), ask],
    [message('developer', text('One two')), ask],
  ],
  'the role of the system': [
    [user(text('One')), ask],
    [message('system', text('One')), ask],
    [message('system', text('One two')), ask],
  ],
  'a second text': [[user(look)], [user(look, text('one'))], [user(look, text('one two'))]],
  'a text of a developer in parts': [
    [message('developer', look), ask],
    [message('developer', look, text('one')), ask],
    [message('developer', look, text('one two')), ask],
  ],
  'an image by its URL': [
    [user(look)],
    [user(look, image('https://a.test/1.png'))],
    [user(look, image('https://a.test/2.png'))],
  ],
  'an image as data': [
    [user(look)],
    [user(look, image(data('image/png', 'AAAA')))],
    [user(look, image(data('image/png', 'BBBB')))],
    [user(look, image(data('image/webp', 'AAAA')))],
  ],
  'an image of a developer': [
    [message('developer', look), ask],
    [message('developer', look, image('https://a.test/1.png')), ask],
    [message('developer', look, image('https://a.test/1.png'), image('https://a.test/2.png')), ask],
  ],
  'a file by its URL': [
    [user(look)],
    [user(look, file({ file_url: 'https://a.test/1.pdf' }))],
    [user(look, file({ file_url: 'https://a.test/2.pdf' }))],
  ],
  'a file as data': [
    [user(look)],
    [user(look, file({ file_data: data('application/pdf', 'AAAA') }))],
    [user(look, file({ file_data: data('application/pdf', 'BBBB') }))],
    [user(look, file({ file_data: data('text/plain', 'AAAA') }))],
  ],
  'the name of a file': [
    [user(look, file({ file_data: data('application/pdf', 'AAAA') }))],
    [user(look, file({ file_data: data('application/pdf', 'AAAA'), filename: 'a.pdf' }))],
    [user(look, file({ file_data: data('application/pdf', 'AAAA'), filename: 'b.pdf' }))],
  ],
  'a call of a function': [
    [ask, ask],
    [ask, call('{"a": 1}'), gave('One')],
    [ask, call('{"a": 1, "b": 2}'), gave('One')],
    [ask, call('{"a": 1}'), gave('One two')],
  ],
  'an output in parts': [
    [ask, call('{}'), gave([])],
    [ask, call('{}'), gave([text('One')])],
    [ask, call('{}'), gave([text('One'), text('two')])],
  ],
  'an image in an output': [
    [ask, call('{}'), gave([look])],
    [ask, call('{}'), gave([look, image('https://a.test/1.png')])],
    [ask, call('{}'), gave([look, image('https://a.test/2.png')])],
  ],
  'a file in an output': [
    [ask, call('{}'), gave([look])],
    [ask, call('{}'), gave([look, file({ file_data: data('text/plain', 'AAAA'), filename: 'a.txt' })])],
    [ask, call('{}'), gave([look, file({ file_data: data('text/plain', 'BBBB'), filename: 'a.txt' })])],
  ],
  'a call of a custom tool': [
    [ask, ask],
    [ask, custom('One'), { ...base, type: 'custom_tool_call_output', call_id: 'c1', output: 'One' }],
    [ask, custom('One two'), { ...base, type: 'custom_tool_call_output', call_id: 'c1', output: 'One' }],
    [ask, custom('One'), { ...base, type: 'custom_tool_call_output', call_id: 'c1', output: 'One two' }],
  ],
};

/** What another backend has sealed, as each of them marks it. */
const SEALED = 'elsewhere.1.bm90aGluZyBmb3IgeW91';

/** A case for each thing that may stand in an input. */
export const inputCases: readonly ContractCase<BackendSubject>[] = [
  ...Object.entries(variants).map(([what, inputs]) =>
    contractCase<BackendSubject>(`in an input ${what} is carried, or refused`, async (subject) => {
      const values = inputs.map((input) => ({ input }));
      await checkDiffer(subject, subject.talkative, values, `${what} in an input`, ['input']);
    }),
  ),

  contractCase('what another backend has sealed goes to no server', async (subject) => {
    const reasoning: Item = { ...base, type: 'reasoning', summary: [], content: [], encrypted_content: SEALED };
    const call = { ...subject.talkative, input: [ask, reasoning, ask] };
    if (isRefused(subject, call, ['input'])) return;
    const outcome = await outcomeOf(subject, call);
    check(!outcome.includes(SEALED), 'what another backend has sealed is sent: isSealedHere tells it');
  }),
];
