import type { RoutedEntry } from './entry.ts';
import type { ServerGroup } from './server-group.ts';

/** A model that may answer. */
export interface Candidate {
  readonly group: ServerGroup;
  /** The name by which its servers are asked for it, where they have no other for it. */
  readonly model: string;
  /** Whether it is in place of the one that was asked for. */
  readonly isFallback: boolean;
  /** Its context in tokens, where the configuration says. */
  readonly context: number | undefined;
}

/** The model of a turn, and those that may answer in its place. */
export interface Routed {
  entry: RoutedEntry;
  model: string;
  /** Throws for a name that no entry matches. */
  find(model: string): RoutedEntry;
}

/** The models that may answer: the one that was asked for, then its fallbacks, several of which may be of one entry. */
export function candidatesOf({ entry, model, find }: Routed): Candidate[] {
  const fallbacks = entry.group.policy.fallback.map((name) => candidateOf(find(name), name, true));
  return [candidateOf(entry, model, false), ...fallbacks.filter(({ group }) => group !== entry.group)];
}

/** An entry as one of its models may answer. */
export function candidateOf({ group, context }: RoutedEntry, model: string, isFallback: boolean): Candidate {
  return { group, model, isFallback, context };
}

/** Whether a model has a larger context than another, as far as the configuration says. */
export function isLarger({ context: larger }: Candidate, { context: smaller }: Candidate): boolean {
  return larger !== undefined && (smaller === undefined || larger > smaller);
}
