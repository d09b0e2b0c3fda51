import type { Attributes } from '../attributes.ts';
import type { Report } from '../ingress.ts';
import { costsOf } from '../turn/turn-costs.ts';
import { type TurnSummary, tenths } from '../turn/turn-summary.ts';
import { tokensOf, uncountedOutput } from '../turn/turn-tokens.ts';

/** The namespace of Envoy AI Gateway, for what it has names for. */
const AI_GATEWAY = 'io.envoy.ai_gateway';

/** The namespace of everything else. */
const ANTIPHON = 'antiphon';

/** The most that Envoy adds to a budget at a time: of a larger number it adds nothing. */
const MAX_CHARGE = 1_000_000_000;

/** What the output has to grow by to be told again, so that a long stream does not tell it with every message. */
const MIN_GROWTH = 65 / 64;

type Values = Record<string, string | number>;

/**
 * What is told of a turn beside its reply. A stream tells with its first part who makes it and an estimate of its input, then
 * running sums as the model says more, within a sixty-fourth, and the final numbers once it has ended. A whole reply has the final numbers,
 * unless it is an error. `attributes` of the request are told with the first part.
 */
export function turnReport(summary: TurnSummary, isStream: boolean, attributes?: Attributes): () => Report | undefined {
  let said: { output: number; usage: unknown } | undefined;
  let isOver = false;
  let costNames: string[] = [];
  const costs = () => {
    const now = costsOf(summary);
    // Envoy keeps what was said before: what cannot be calculated in the end is no charge.
    const gone = costNames.filter((name) => !Object.hasOwn(now, name)).map((name) => [name, 0]);
    costNames = Object.keys(now);
    return clamped({ ...Object.fromEntries(gone), ...now });
  };
  return () => {
    const { usage, finish } = summary;
    const output = uncountedOutput(summary);
    const isRunning = said !== undefined && finish === null;
    if (isOver || (isRunning && said?.usage === usage && output <= said.output * MIN_GROWTH)) return undefined;
    said = { output, usage };
    isOver = finish !== null;
    if (isRunning) return { [AI_GATEWAY]: runningTokens(summary), ...(summary.meter && { [ANTIPHON]: costs() }) };
    const isError = !isStream && (finish === null || finish === 'failed');
    return {
      [AI_GATEWAY]: { ...madeBy(summary), ...(!isError && { ...allTokens(summary), ...latencies(summary) }) },
      [ANTIPHON]: { ...attributes, ...about(summary), ...(!isError && costs()) },
    };
  };
}

function madeBy({ backend, urlHost, sentModel, served }: TurnSummary): Values {
  return {
    backend_name: urlHost ?? backend,
    model_name_override: sentModel,
    ...(served && { response_model: served }),
  };
}

function about({
  backend,
  fallback,
  passedOver,
  tenant,
  user,
  response,
  previous,
  conversation,
  finish,
  errorCode,
}: TurnSummary): Values {
  const values = {
    backend,
    fallback,
    passed_over: passedOver || null,
    tenant,
    user,
    response_id: response,
    previous_response_id: previous,
    conversation,
    finish,
    error_code: errorCode,
  };
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function runningTokens(summary: TurnSummary): Values {
  const { input, output, total } = tokensOf(summary);
  return clamped({ llm_input_token: input, llm_output_token: output, llm_total_token: total });
}

function allTokens(summary: TurnSummary): Values {
  const { cached, cacheWrite, reasoning } = tokensOf(summary);
  return {
    ...runningTokens(summary),
    ...clamped({
      llm_cached_input_token: cached,
      llm_cache_creation_input_token: cacheWrite,
      llm_reasoning_token: reasoning,
    }),
  };
}

/** Milliseconds to the first of what the model said and, at the end, on average to each token behind it. */
function latencies(summary: TurnSummary): Values {
  const { startedAt, firstTokenMs, finish } = summary;
  if (firstTokenMs === null) return {};
  const others = tokensOf(summary).output - 1;
  const rest = performance.now() - startedAt - firstTokenMs;
  return {
    token_latency_ttft: tenths(firstTokenMs),
    ...(finish !== null && others > 0 && { token_latency_itl: tenths(rest / others) }),
  };
}

function clamped(numbers: Readonly<Record<string, number>>): Values {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Math.min(value, MAX_CHARGE)]));
}
