import { describe, log } from './log.ts';

/** What a cost is calculated of: the tokens of a turn so far, and who answered. */
export interface CostInput {
  /** The model, as the request names it. */
  model: string;
  /** The configured backend: `chat`, `responses`, `anthropic`, ... */
  backend: string;
  /** The host of the model's server; empty where there is none. */
  url_host: string;
  input_tokens: number;
  cached_input_tokens: number;
  cached_write_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  total_tokens: number;
}

/** One entry of the configuration's `costs`. */
export interface CostRule {
  match: string;
  name: string;
  /** A CEL expression. */
  cel: string;
}

/** An expression that was compiled; gives a whole number from 0 to 2^53 - 1, and throws where there is none. */
export type CostFormula = (input: CostInput) => number;

/**
 * Compiles a CEL expression over the members of a CostInput, whose numbers are uint. Throws an Error that says what is wrong,
 * types included.
 */
export type CompileCel = (expression: string) => CostFormula;

/** What a turn has cost, by the names of the configuration. */
export type Costs = Readonly<Record<string, number>>;

/** Calculates the costs of a turn so far. */
export interface CostMeter {
  /** The costs that there are; one that cannot be calculated is left out, and a `final` one is a line in the log. */
  costs(input: CostInput, final: boolean): Costs;
}

/** The costs of a configuration. */
export interface CostRules {
  /** The meter for a model: of each name the first entry that matches. Undefined if none does. */
  of(model: string): CostMeter | undefined;
}

/** A meter of formulas by their names. */
export function costMeter(formulas: ReadonlyMap<string, CostFormula>): CostMeter {
  return {
    costs(input, final) {
      const costs: Record<string, number> = {};
      for (const [name, formula] of formulas) {
        try {
          costs[name] = formula(input);
        } catch (error) {
          if (!final) continue; // such as a difference that is right at the end
          log.warn('a cost cannot be calculated, and is not charged', { cost: name, ...input, error: describe(error) });
        }
      }
      return costs;
    },
  };
}
