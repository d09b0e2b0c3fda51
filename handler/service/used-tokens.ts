import type { TurnTokens } from '../charge.ts';
import { tokensOf } from '../turn/turn-tokens.ts';
import type { RequestLog } from './request-log.ts';

/** The tokens of a request's turn so far: what servers have counted, and an estimate of the rest. Undefined before it is planned. */
export function usedTokens({ turn }: Pick<RequestLog, 'turn'>): TurnTokens | undefined {
  return turn ? tokensOf(turn) : undefined;
}
