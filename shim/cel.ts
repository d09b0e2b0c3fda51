import { type CompileCel, type Config, openCosts } from '../handler/index.ts';

let compile: CompileCel | undefined;

/** Loads the CEL library if a configuration has costs, and compiles them; throws a ConfigError with every one that is wrong. */
export async function checkCosts({ costs }: Pick<Config, 'costs'>): Promise<void> {
  if (costs.length === 0) return;
  compile ??= (await import('../handler/cel.ts')).compileCel;
  openCosts(costs, compile);
}

/** Compiles an expression of a configuration whose costs were checked. */
export const compileCel: CompileCel = (expression) => {
  if (!compile) throw new Error('the CEL library is not loaded');
  return compile(expression);
};
