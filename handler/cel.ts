import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import type { CompileCel, CostInput } from './costs.ts';

/** The type of each variable. */
const TYPES = {
  model: 'string',
  backend: 'string',
  url_host: 'string',
  input_tokens: 'uint',
  cached_input_tokens: 'uint',
  cached_write_input_tokens: 'uint',
  output_tokens: 'uint',
  reasoning_tokens: 'uint',
  total_tokens: 'uint',
} as const satisfies Record<keyof CostInput, 'string' | 'uint'>;

/** No turn: an expression must have a value for it. */
const ZEROS: CostInput = {
  model: '',
  backend: '',
  url_host: '',
  input_tokens: 0,
  cached_input_tokens: 0,
  cached_write_input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  total_tokens: 0,
};

const environment = new Environment();
for (const [name, type] of Object.entries(TYPES)) environment.registerVariable(name, type);

/**
 * Compiles CEL as Envoy AI Gateway has it: token counts are uint, the result is a uint, or an int that is not negative. Types are
 * checked here, and so is the value for no tokens at all.
 */
export const compileCel: CompileCel = (expression) => {
  const parsed = attempt(() => environment.parse(expression));
  const { valid, type, error } = parsed.check();
  if (!valid) throw new Error(explain(error));
  if (type !== 'uint' && type !== 'int')
    throw new Error(`gives a ${type}: it must give an int or a uint, as uint(...) makes`);
  if (calls(parsed.ast, 'matches'))
    throw new Error(
      'uses matches, whose time has no bound here: use startsWith, endsWith, contains, or several entries',
    );
  const formula = (input: CostInput) => {
    const values: Record<string, string | UnsignedInt> = {};
    for (const name in TYPES) {
      const value = input[name as keyof CostInput]; // the keys of TYPES are its members
      values[name] = typeof value === 'number' ? new UnsignedInt(value) : value;
    }
    return wholeNumber(parsed(values));
  };
  attempt(() => formula(ZEROS), 'has no value where no tokens were used: ');
  return formula;
};

function wholeNumber(result: unknown): number {
  const value = Number(result instanceof UnsignedInt ? result.value : result);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`the result is ${value}: it must be from 0 to 2^53 - 1`);
}

function attempt<T>(run: () => T, before = ''): T {
  try {
    return run();
  } catch (error) {
    throw new Error(before + explain(error));
  }
}

/** The library's message without its picture of the place, with the cure for the commonest mistake. */
function explain(error: unknown): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  if (!/\buint\b/.test(message)) return message;
  if (/\bint\b/.test(message)) return `${message}: token counts are uint, so write 4u in place of 4`;
  return /\bdouble\b/.test(message) ? `${message}: write uint(double(input_tokens) * 1.5)` : message;
}

/** Whether a function is called anywhere in an expression. */
function calls(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((inner) => calls(inner, name));
  if (typeof node !== 'object' || node === null || !('op' in node)) return false;
  const { op, args } = node as ASTNode; // only nodes have an op
  const isCall = (op === 'call' || op === 'rcall') && args[0] === name;
  return isCall || calls(args, name);
}
