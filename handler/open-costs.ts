import { ConfigError, type ConfigProblem, misconfigured } from './config/problems.ts';
import { type CompileCel, type CostFormula, type CostRule, type CostRules, costMeter } from './costs.ts';
import { matcher } from './pattern.ts';

/** Compiles the configuration's `costs`; throws a ConfigError with every expression that is wrong, or without a compiler. */
export function openCosts(rules: readonly CostRule[], compile: CompileCel | undefined): CostRules {
  if (rules.length === 0) return { of: () => undefined };
  if (!compile) throw misconfigured('costs', 'need the option compileCel of the root, from antiphon/cel');
  const problems: ConfigProblem[] = [];
  const compiled: { matches: (model: string) => boolean; name: string; formula: CostFormula }[] = [];
  for (const [index, { match, name, cel }] of rules.entries()) {
    try {
      compiled.push({ matches: matcher(match), name, formula: compile(cel) });
    } catch (error) {
      const says = error instanceof Error ? error.message : String(error);
      problems.push({ path: ['costs', String(index), 'cel'], says });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    of(model) {
      const formulas = new Map<string, CostFormula>();
      for (const { matches, name, formula } of compiled) {
        if (!formulas.has(name) && matches(model)) formulas.set(name, formula);
      }
      return formulas.size > 0 ? costMeter(formulas) : undefined;
    },
  };
}
