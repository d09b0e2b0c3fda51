import { unsupported } from '../errors.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { ForwardedEvent, ForwardedPart, PreparedForward } from './backend.ts';
import { demoReply, demoUsage } from './demo-reply.ts';

/** The longest text of a message that is said again, in characters. */
const MAX_SAID = 1_500;

const encoder = new TextEncoder();

/** The demo model's chat completion: it says who it is, and the last message. Throws an ApiError for what it could only pretend to do. */
export function demoChat(json: JsonObject, model: string, named: string): PreparedForward {
  for (const name of ['tools', 'response_format', 'logprobs'])
    if (json[name] != null) throw unsupported(name, 'cannot be honoured by the demo model');
  const all = Array.isArray(json.messages) ? json.messages.map(textOf) : [];
  const said = (all.at(-1) ?? '(nothing)').slice(0, MAX_SAID);
  const text = `This is Antiphon's built-in demo model, asked for as ${model}; no real model is configured. You said: ${said}`;
  const words = text.match(/\s*\S+/g) ?? [];
  const tokens = { input: all.reduce((sum, one) => sum + one.split(/\s+/).length, 0), output: words.length };
  const usage = {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
  };
  const about = { id: 'chatcmpl-demo', created: Math.floor(Date.now() / 1_000), model: named };
  return json.stream === true
    ? { stream: () => streamed() }
    : {
        async *stream(): AsyncGenerator<ForwardedEvent, void> {
          const message = { role: 'assistant', content: text, refusal: null };
          const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
          const reply = { ...about, object: 'chat.completion', choices, usage };
          yield { ...demoReply(encoder.encode(JSON.stringify(reply)), model, tokens), finish: 'stop' };
        },
      };

  async function* streamed(): AsyncGenerator<ForwardedEvent, void> {
    const chunk = (choices: object[], more: object = {}) =>
      `data: ${JSON.stringify({ ...about, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
    const part = (events: string): ForwardedPart => ({
      ...demoReply(encoder.encode(events), model, tokens),
      ...{ media: 'text/event-stream', isWhole: false, deltas: 1, usage: null },
    });
    for (const [at, content] of words.entries())
      yield part(
        chunk([{ index: 0, delta: at === 0 ? { role: 'assistant', content } : { content }, finish_reason: null }]),
      );
    const wantsUsage = isObject(json.stream_options) && json.stream_options.include_usage === true;
    const last = [chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]), wantsUsage ? chunk([], { usage }) : ''];
    yield { ...part(`${last.join('')}data: [DONE]\n\n`), usage: demoUsage(tokens), finish: 'stop' };
  }
}

function textOf(message: unknown): string {
  const content = isObject(message) ? message.content : '';
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content.filter(isObject) : [];
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join(' ');
}
