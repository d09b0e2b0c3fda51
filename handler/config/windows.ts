import * as v from 'valibot';
import { costName } from './costs.ts';
import { age, count, integer } from './quantity.ts';
import { unique } from './unique.ts';

/** The most that a limit can name: what is counted stays a whole number. */
const MAX = 1e15;

/** The shortest window of a budget, in milliseconds. */
const MINUTE = 60_000;

/** Limits on what is used in a minute. */
export const rates = { requestsPerMinute: count(MAX), tokensPerMinute: count(MAX) };

const budget = v.strictObject({
  cost: v.optional(costName, 'llm_cost'),
  amount: integer(1, MAX),
  window: v.pipe(age, v.minValue(MINUTE, 'must be at least 1m')),
});

/** A list of `budgets`. */
export const budgets = v.optional(
  v.pipe(
    v.array(budget, 'must be a list'),
    unique(({ cost, window }) => `${cost} ${window}`, 'cost and window'),
  ),
);

/** What may be used in windows: the members of whoever is limited so. */
export const windows = { limits: v.optional(v.strictObject(rates)), budgets };
