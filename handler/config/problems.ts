/** A mistake in a configuration. */
export interface ConfigProblem {
  /** The keys that lead to it; none for the configuration as a whole. */
  path: readonly string[];
  /** What is wrong, as the end of a sentence that begins with the path. */
  says: string;
  /** Whether the last key itself is wrong, and not its value. */
  isKey?: boolean;
}

/** A configuration that cannot be used, with every mistake that was found; its message has a line for each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map((problem) => `configuration: ${sentenceOf(problem)}`).join('\n'), options);
    this.problems = problems;
  }
}

/** A ConfigError with one mistake, at a path such as `models.0.url`. */
export function misconfigured(path: string, says: string, options?: ErrorOptions): ConfigError {
  return new ConfigError([{ path: path === '' ? [] : path.split('.'), says }], options);
}

/** A mistake as a sentence that begins with its path. */
export function sentenceOf({ path, says }: ConfigProblem): string {
  return `${path.join('.') || 'it'} ${says}`;
}
