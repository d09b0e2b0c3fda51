import type { Attributes } from '@opentelemetry/api';
import type { Attributes as RequestAttributes } from '../attributes.ts';
import { redact } from '../redact.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';
import { type Instruments, modelLabel } from './instruments.ts';
import type { ModelTarget } from './measured-call.ts';
import { genAI, own, stable } from './names.ts';

/** What a turn is. */
const TURN = 'chat';

/**
 * A turn as attributes of its request's span. Its tokens have names of our own there: those of the conventions are on the calls of
 * its models, and who adds up spans must not count them twice.
 */
export function turnAttributes(turn: TurnSummary): Attributes {
  const {
    operation = TURN,
    model,
    response,
    previous,
    conversation,
    usage,
    firstTokenMs,
    rounds,
    tools,
    finish,
  } = turn;
  return {
    [genAI.operation]: operation,
    [genAI.requestModel]: model,
    ...(response !== null && { [genAI.responseId]: response }),
    ...(previous !== null && { [genAI.previousResponse]: redact(previous) }),
    ...(conversation !== null && { [genAI.conversation]: redact(conversation) }),
    ...(usage && { [own.inputTokens]: usage.input_tokens, [own.outputTokens]: usage.output_tokens }),
    ...(firstTokenMs !== null && { [own.firstToken]: firstTokenMs / 1000 }),
    ...(rounds > 0 && { [own.rounds]: rounds }),
    ...(tools.length > 0 && { [own.tools]: [...tools] }),
    ...(finish !== null && { [own.finish]: finish }),
  };
}

/** What metrics tell of a turn beside its summary. */
interface MeasuredTurn {
  target: ModelTarget;
  seconds: number;
  error: string | undefined;
  metrics: RequestAttributes | undefined;
  isBackground: boolean;
}

/** Measures a turn that has ended. */
export function measureTurn(
  { operation = TURN, model, usage, firstTokenMs, finish, errorCode }: TurnSummary,
  { target, seconds, error = errorCode ?? undefined, metrics, isBackground }: MeasuredTurn,
  instruments: Instruments,
): void {
  if (error === undefined && finish === null) return; // it goes on in the background
  const labels = {
    ...metrics,
    [genAI.operation]: operation,
    [genAI.provider]: target.provider,
    [genAI.requestModel]: modelLabel(instruments, model, target.match, error !== undefined),
  };
  const { histograms } = instruments;
  histograms.turnDuration.record(seconds, {
    ...labels,
    [own.mode]: isBackground ? 'background' : 'foreground',
    ...(error !== undefined && { [stable.errorType]: error }),
  });
  if (firstTokenMs === null) return;
  histograms.timeToFirstToken.record(firstTokenMs / 1000, labels);
  if (error !== undefined || !usage || usage.output_tokens < 2) return;
  const rest = Math.max(0, seconds - firstTokenMs / 1000);
  histograms.timePerOutputToken.record(rest / (usage.output_tokens - 1), labels);
}
