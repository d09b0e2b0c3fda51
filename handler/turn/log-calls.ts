import type { BackendEvent, CallOptions, ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import { describe, excerpt, isLogged, log } from '../log.ts';
import { tenths } from './turn-summary.ts';

/** The most characters of what a model is told last, and of what it says. */
const MAX_TEXT = 1_000;

/** A model at one server. */
interface LoggedModel {
  prepare: Prepare;
  address: { backend: string; urlHost: string | null };
}

/**
 * A model whose calls are logged, each with what it is told last, and its end with what it said; at the level `debug` only, and
 * as it is at any other. `requestId` is the id of the request that asked for the turn.
 */
export function withLoggedCalls<M extends LoggedModel>(model: M, requestId: string | undefined): M {
  if (!isLogged('debug')) return model;
  let calls = 0;
  const { backend, urlHost } = model.address;
  return {
    ...model,
    prepare(call) {
      const prepared = model.prepare(call);
      const stream: PreparedCall['stream'] = (signal, options) => {
        const ids = { request_id: requestId, call: ++calls };
        return logged(prepared, { ...ids, backend, url_host: urlHost ?? undefined }, call, signal, options);
      };
      return { ...prepared, stream };
    },
  };
}

async function* logged(
  prepared: PreparedCall,
  ids: Record<string, unknown>,
  { model, instructions, input, tools, tool_choice }: ModelCall,
  signal: AbortSignal,
  options: CallOptions | undefined,
): AsyncGenerator<BackendEvent, void> {
  const startedAt = performance.now();
  log.debug('model call', () => ({
    ...ids,
    model: excerpt(model, MAX_TEXT),
    instructions: instructions === null ? undefined : start(instructions),
    items: input.length,
    last: start(JSON.stringify(input.at(-1) ?? null)),
    tools: tools.length,
    tool_choice: tools.length > 0 ? start(JSON.stringify(tool_choice)) : undefined,
  }));
  const end: Record<string, unknown> = { ...ids, finish: 'cancelled' };
  const said: string[] = [];
  try {
    for await (const event of prepared.stream(signal, options)) {
      if (event.type === 'response.output_item.done') said.push(start(JSON.stringify(event.item)));
      if (event.type === 'finish') {
        end.finish = event.reason;
        end.input_tokens = event.usage?.input_tokens;
        end.output_tokens = event.usage?.output_tokens;
      }
      yield event;
    }
  } catch (error) {
    end.finish = 'failed';
    end.error = describe(error);
    throw error;
  } finally {
    end.said = said.length > 0 ? start(said.join(' ')) : undefined;
    end.duration_ms = tenths(performance.now() - startedAt);
    log.debug('model call ended', end);
  }
}

/** The start of a text that may be long: so much of it is read that no secret is cut where it is shown. */
function start(text: string): string {
  return excerpt(text.slice(0, 8 * MAX_TEXT), MAX_TEXT);
}
