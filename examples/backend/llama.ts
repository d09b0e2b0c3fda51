import {
  type Backend,
  type BackendEvent,
  connectionFailed,
  failureOf,
  garbled,
  ItemWriter,
  type ModelCall,
  type OpenBackend,
  type Transport,
  unsupported,
} from 'antiphon/backend';

/** `backend: llama` in `models`, with a `url`: llama.cpp's own `POST /completion`, which goes on with a text. */
export const openLlama: OpenBackend = ({ url, ...others }, transport) => {
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error('url must be a URL');
  const [unknown] = Object.keys(others);
  if (unknown) throw new Error(`${unknown} is not a key that is known`);
  return llama(url, transport);
};

/** Translates a call, sends it once its first event is wanted, and turns the reply into events. */
export function llama(url: string, transport: Transport): Backend {
  return {
    prepare(call) {
      refuse(call);
      const body = JSON.stringify({
        model: call.model,
        prompt: promptOf(call),
        stream: true,
        ...(call.max_output_tokens !== null && { n_predict: call.max_output_tokens }),
        ...(call.temperature !== null && { temperature: call.temperature }),
        ...(call.top_p !== null && { top_p: call.top_p }),
        ...(call.presence_penalty !== null && { presence_penalty: call.presence_penalty }),
        ...(call.frequency_penalty !== null && { frequency_penalty: call.frequency_penalty }),
        ...(call.text.format.type === 'json_schema' && { json_schema: call.text.format.schema }),
      });
      return { stream: (signal) => speak(`${url}/completion`, transport, body, signal) };
    },
    models: async () => [], // for patterns in `match`; the protocol lists none
  };
}

/** What the protocol has no place for is refused by its name: nothing may be dropped but hints, which change no answer. */
function refuse({ tools, params, tool_choice, text, top_logprobs, reasoning }: ModelCall): void {
  const [tool] = tools;
  if (tool) throw unsupported(params.get(tool) ?? 'tools', 'cannot be used by this model');
  const wanted = {
    tool_choice: tool_choice !== 'auto' && tool_choice !== 'none',
    'text.format': text.format.type === 'json_object',
    'text.verbosity': text.verbosity,
    include: top_logprobs === 0,
    top_logprobs,
    'reasoning.effort': reasoning.effort,
    'reasoning.summary': reasoning.summary,
    'reasoning.mode': reasoning.mode,
  };
  const [param] = Object.entries(wanted).find(([, value]) => value) ?? [];
  if (param) throw unsupported(param, 'is nothing that this model can be told');
}

function promptOf({ instructions, input }: ModelCall): string {
  const said = input.map((item) => {
    if (item.type !== 'message')
      throw unsupported('input', `has an item of type ${item.type}, and only messages are known`);
    const texts = item.content.map((part) => {
      if ('text' in part) return part.text;
      throw unsupported('input', 'has content that is no text');
    });
    return `${item.role}: ${texts.join('\n')}`;
  });
  return [...(instructions === null ? [] : [instructions]), ...said, 'assistant:'].join('\n\n');
}

async function* speak(
  url: string,
  transport: Transport,
  body: string,
  signal: AbortSignal,
): AsyncGenerator<BackendEvent, void> {
  const writer = new ItemWriter(); // a model's words as items and events
  const reply = await send(url, transport, body, signal);
  for await (const line of lines(reply, signal)) {
    const { content, stop, stop_type, tokens_evaluated: read = 0, tokens_predicted: written = 0 } = parse(line);
    if (content) writer.text(content);
    const cut = stop_type === 'limit';
    if (stop) writer.close(cut ? 'incomplete' : 'completed');
    yield* writer.take();
    if (!stop) continue;
    const input_tokens_details = { cached_tokens: 0, cache_write_tokens: 0 };
    const counts = { input_tokens: read, output_tokens: written, total_tokens: read + written };
    const usage = { ...counts, input_tokens_details, output_tokens_details: { reasoning_tokens: 0 } };
    yield { type: 'finish', reason: cut ? 'max_output_tokens' : 'stop', usage };
    return;
  }
  throw garbled('the reply has no end');
}

async function send(url: string, transport: Transport, body: string, signal: AbortSignal) {
  signal.throwIfAborted();
  const headers = { 'content-type': 'application/json' };
  const upstream = await transport(url, { method: 'POST', headers, body, signal }).catch((error) => {
    throw signal.aborted ? error : connectionFailed(error);
  });
  if (upstream.status !== 200) throw await failureOf(upstream);
  return upstream.body;
}

/** The longest line that is read, in characters. */
const MAX_LINE = 1_000_000;

/** The `data:` lines of a stream, which may be cut anywhere. */
async function* lines(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const whole = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = whole.pop() ?? '';
      if (rest.length > MAX_LINE) throw new Error('a line is too long');
      for (const line of whole) if (line.startsWith('data: ')) yield line.slice('data: '.length);
    }
  } catch (error) {
    throw signal.aborted ? error : connectionFailed(error);
  }
}

interface Chunk {
  content?: string;
  stop?: boolean;
  stop_type?: string;
  tokens_evaluated?: number;
  tokens_predicted?: number;
}

function parse(line: string): Chunk {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw garbled(error);
  }
}
