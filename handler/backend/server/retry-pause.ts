import type { ErrorWords } from './error-words.ts';

/**
 * "Please try again in 9m38.016s" (Groq, OpenAI), "Please retry in 34.07s" (Gemini), "try again after 1 seconds" (Kimi):
 * https://github.com/continuedev/continue/issues/10920, https://github.com/harry0703/MoneyPrinterTurbo/issues/339
 */
const IN_WORDS = /\b(?:try again|retry) (?:in|after) (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?) ?(ms|s))?/i;

/** "26s", Gemini's RetryInfo: https://github.com/RooCodeInc/Roo-Code/issues/3883 */
const DELAY = /^(\d+(?:\.\d+)?)s$/;

/**
 * The `retry-after` of a refusal: the server's header, else the whole seconds that its words name; undefined where it
 * says nothing.
 */
export function pauseIn(words: ErrorWords, header: string | null): string | undefined {
  if (header && /^[\w ,:.-]{1,40}$/.test(header)) return header;
  const delay = words.all('retryDelay').map((text) => Number(DELAY.exec(text)?.[1]))[0];
  const seconds = delay || secondsIn(IN_WORDS.exec(words.gist));
  return seconds > 0 ? String(Math.ceil(seconds)) : undefined;
}

function secondsIn(found: RegExpExecArray | null): number {
  const [, hours, minutes, rest, unit] = found ?? [];
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(rest ?? 0) / (unit === 'ms' ? 1000 : 1);
}
