import type OpenAI from 'openai';
import type { Answer } from './direct.ts';
import type { Question } from './questions.ts';
import type { Target } from './target.ts';

/** Asks over the server's own Responses API. */
export async function askResponses(
  { client, model, tokens }: Target,
  question: Question,
  answer: Answer,
): Promise<void> {
  const max_output_tokens = question.max_output_tokens ?? tokens;
  const body = { ...question, max_output_tokens, model, store: false, stream: true } as const;
  const stream = await client.responses.create(body);
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') answer.text += event.delta;
    if (event.type === 'response.reasoning_text.delta' || event.type === 'response.reasoning_summary_text.delta') {
      answer.reasoning += event.delta;
    }
    if (event.type === 'response.output_item.done' && event.item.type === 'function_call')
      answer.calls.push(event.item);
    if (event.type === 'response.failed')
      Object.assign(answer, { status: 500, refusal: event.response.error?.message });
    if (event.type === 'response.completed' || event.type === 'response.incomplete') end(event.response, answer);
  }
  // Some servers call a cut response completed: then only the count tells.
  if (answer.usage) answer.cut ||= answer.usage.output >= max_output_tokens;
}

function end({ usage, incomplete_details }: OpenAI.Responses.Response, answer: Answer): void {
  if (usage) answer.usage = { input: usage.input_tokens, output: usage.output_tokens };
  if (incomplete_details) answer.cut = true;
}
