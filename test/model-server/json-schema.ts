import assert from 'node:assert/strict';
import { form, isForm, plain } from './questions.ts';
import { modelTest } from './scene.ts';
import { create, stream } from './turn.ts';

modelTest('a JSON schema: the text is JSON of it, in every kind of character', ['json schema'], async (scene) => {
  const { output_text } = await create(scene, form);
  assert.ok(isForm(output_text), output_text);
});

modelTest('a JSON schema, streamed', ['json schema'], async (scene) => {
  const { response } = await stream(scene, form);
  const message = response.output.find((item) => item.type === 'message');
  const [part] = message?.content ?? [];
  assert.ok(part?.type === 'output_text' && isForm(part.text), JSON.stringify(response.output));
  assert.equal(response.text?.format?.type, 'json_schema');
});

modelTest('a JSON object: the text is one, unless it is cut', ['json object'], async (scene) => {
  const { status, output_text } = await create(scene, { ...plain, text: { format: { type: 'json_object' } } });
  if (status === 'completed') assert.equal(typeof JSON.parse(output_text), 'object');
});
