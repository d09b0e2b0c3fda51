import { ApiError } from '../../errors.ts';
import { log } from '../../log.ts';
import type { Finish } from '../backend.ts';
import { nameIn } from './json-fields.ts';

/** How an answer ends: well, cut, or because its server gave up. */
export type Ending = Finish['reason'] | 'failed';

/** The words of the servers that most people use. */
const KNOWN: ReadonlyMap<string, Ending> = new Map([
  ...['stop', 'tool_calls', 'function_call', 'end_turn', 'tool_use', 'stop_sequence', 'completed'].map(
    (word) => [word, 'stop'] as const,
  ),
  ...['eos', 'eos_token', 'eos_found', 'pause_turn', 'complete', 'done', 'tool_call', 'end'].map(
    (word) => [word, 'stop'] as const,
  ),
  ...['length', 'max_tokens', 'max_output_tokens', 'incomplete'].map((word) => [word, 'max_output_tokens'] as const),
  ['content_filter', 'content_filter'],
]);

/** What other words mean, by the first pattern that they match; null for a word that ends nothing. Any other is a good end. */
const MEANINGS: readonly [pattern: RegExp, ending: Ending | null][] = [
  [/^(null|none|nil|undefined|)$|unspecified|in_?progress|queued|running|^continue|not_finished/, null],
  [
    /filter|safety|unsafe|sensitive|prohibit|block|moderat|censor|refus|guardrail|recitation|spii|toxic|harm|policy|copyright|violat/,
    'content_filter',
  ],
  [/rate_?limit|quota|insufficient|time_?d?_?(out|limit)|max_time|overload|capacity|abort|cancel/, 'failed'],
  [
    /length|max_|max$|(max|out_of|too_many|output|new)_?tokens|context|window|truncat|limit|budget/,
    'max_output_tokens',
  ],
  [/error|fail|network|connection|malformed|invalid|interrupt|unavailable|exception|crash|kill|unexpected/, 'failed'],
  [/evict|preempt|memory|(^|_)oom(_|$)|(^|_)died|dead(_|$|line)/, 'failed'],
  [/disconnect|expired|internal|reject|denied|missing|too_many|broken|incomplete/, 'failed'],
];

/** The most words that are remembered as logged. */
const MAX_WORDS = 64;
const logged = new Set<string>();

/** How a reply with this finish reason, stop reason or status ends; undefined where that is no end. Logs a new word once. */
export function endingOf(reason: unknown): Ending | undefined {
  if (typeof reason !== 'string') return undefined;
  const known = KNOWN.get(reason);
  if (known) return known;
  const word = reason
    .trim()
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
    .toLowerCase();
  const meaning = KNOWN.get(word) ?? MEANINGS.find(([pattern]) => pattern.test(word))?.[1];
  if (meaning !== undefined) return meaning ?? undefined;
  if (!logged.has(word) && logged.size < MAX_WORDS) {
    logged.add(word);
    log.warn('a model backend ended an answer with a word that is not known, taken for a good end', {
      word: nameIn(word),
    });
  }
  return 'stop';
}

/** The ending after another word: a good one takes nothing back. */
export function laterEnding(before: Ending | undefined, ending: Ending | undefined): Ending | undefined {
  return ending === undefined || (ending === 'stop' && before) ? before : ending;
}

/** The ApiError for an answer that its server gave up. */
export function gaveUp(reason: unknown): ApiError {
  return new ApiError('server', 'The model backend gave up before its answer was complete.', {
    cause: nameIn(reason) ?? 'an ending without a name',
  });
}
