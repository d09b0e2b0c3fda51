import type OpenAI from 'openai';
import type { Answer } from './direct.ts';
import type { Question, QuestionItem } from './questions.ts';
import type { Target } from './target.ts';

/** Asks over Chat Completions. The translation is not the product's, which is judged by it. */
export async function askChat(
  { client, model, url, tokens }: Target,
  question: Question,
  answer: Answer,
): Promise<void> {
  const { input, tools, tool_choice, parallel_tool_calls, text, temperature, top_p } = question;
  const limit = url.includes('openai.com') ? 'max_completion_tokens' : 'max_tokens';
  const body = {
    model,
    messages: typeof input === 'string' ? [{ role: 'user', content: input }] : input.map(toMessage),
    stream: true,
    stream_options: { include_usage: true },
    [limit]: question.max_output_tokens ?? tokens,
    temperature,
    top_p,
    tools: tools?.map(({ type, ...fn }) => ({ type, function: fn })),
    tool_choice,
    parallel_tool_calls,
    response_format: text?.format && toFormat(text.format),
  };
  // The few kinds of items, tools and formats that the questions have; the client's type covers all there are.
  const stream = await client.chat.completions.create(body as unknown as OpenAI.ChatCompletionCreateParamsStreaming);
  for await (const { choices, usage } of stream) {
    if (usage) answer.usage = { input: usage.prompt_tokens, output: usage.completion_tokens };
    const [choice] = choices;
    if (choice?.finish_reason === 'length') answer.cut = true;
    if (choice?.delta) take(choice.delta, answer);
  }
}

function take(delta: OpenAI.ChatCompletionChunk.Choice.Delta, answer: Answer): void {
  const { reasoning_content, reasoning } = delta as { reasoning_content?: string; reasoning?: string }; // not OpenAI's
  answer.text += delta.content ?? '';
  answer.reasoning += reasoning_content ?? reasoning ?? '';
  for (const { index, function: fn } of delta.tool_calls ?? []) {
    answer.calls[index] ??= { name: '', arguments: '' };
    answer.calls[index].name ||= fn?.name ?? '';
    answer.calls[index].arguments += fn?.arguments ?? '';
  }
}

function toMessage(item: QuestionItem): OpenAI.ChatCompletionMessageParam {
  if (item.type === 'function_call') {
    const { call_id: id, name, arguments: written } = item;
    const call = { id, type: 'function' as const, function: { name, arguments: written } };
    return { role: 'assistant', content: null, tool_calls: [call] };
  }
  if (item.type === 'function_call_output') {
    return { role: 'tool', tool_call_id: item.call_id, content: item.output };
  }
  const { role, content } = item;
  if (typeof content === 'string') return { role, content };
  return {
    role,
    content: content.map((part) => {
      if (part.type === 'input_text') return { type: 'text', text: part.text };
      return { type: 'image_url', image_url: { url: part.image_url } };
    }),
  };
}

function toFormat(format: OpenAI.Responses.ResponseFormatTextConfig) {
  if (format.type !== 'json_schema') return { type: format.type };
  const { type, ...json_schema } = format;
  return { type, json_schema };
}
