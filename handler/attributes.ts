import { BoundedLabel } from './telemetry/labels.ts';

/** Where attributes of requests go. */
export const attributeTargets = ['log', 'spans', 'metrics', 'metadata'] as const;

/** One place where attributes of requests go: lines of the log, spans, labels of metrics, or Envoy's dynamic metadata. */
export type AttributeTarget = (typeof attributeTargets)[number];

/** A header of requests that is an attribute of them. */
export interface AttributeRule {
  /** In lower case. */
  header: string;
  /** The name of the attribute. */
  as: string;
  on: readonly AttributeTarget[];
  /** The number of different values that metrics tell apart; any other is `other`. */
  values: number;
}

/** The attributes of one request, by name: at most 16, each at most 128 characters without controls. */
export type Attributes = Readonly<Record<string, string>>;

/** The longest value, in characters; what is longer is cut. */
const MAX_LENGTH = 128;

/** The attributes of one request, and where each goes. */
export interface RequestAttributes {
  readonly all: Attributes;
  /** Those that go to a target; in metrics with at most so many values as their rules say. Undefined for none. */
  for(target: AttributeTarget): Attributes | undefined;
}

/** Reads attributes of requests by the rules of a configuration. */
export interface AttributeReader {
  /** Those of a request, by its headers; undefined for none. */
  read(header: (name: string) => string | null | undefined): RequestAttributes | undefined;
  /** Those that were kept of a request; undefined for none. Where they go say the rules of today. */
  of(kept: Attributes | undefined): RequestAttributes | undefined;
}

/** The reader of a configuration's `attributes`. */
export function attributeReader(rules: readonly AttributeRule[]): AttributeReader {
  const labels = new Map(rules.map((rule) => [rule.as, new BoundedLabel(rule.values)]));
  const byTarget = new Map(
    attributeTargets.map((target) => [target, rules.filter(({ on }) => on.includes(target)).map((rule) => rule.as)]),
  );
  const of = (all: Attributes | undefined): RequestAttributes | undefined =>
    all && {
      all,
      for: (target) =>
        nonEmpty(
          (byTarget.get(target) ?? []).flatMap((name) => {
            const value = all[name];
            if (value === undefined) return [];
            return [[name, target === 'metrics' ? (labels.get(name)?.of(value) ?? value) : value] as const];
          }),
        ),
    };
  return {
    of,
    read(header) {
      if (rules.length === 0) return undefined;
      return of(
        nonEmpty(
          rules.flatMap((rule) => {
            const value = textOf(header(rule.header));
            return value === undefined ? [] : [[rule.as, value] as const];
          }),
        ),
      );
    },
  };
}

function textOf(text: string | null | undefined): string | undefined {
  return (
    text
      ?.slice(0, 4 * MAX_LENGTH)
      .replace(/\p{C}+/gu, ' ')
      .trim()
      .slice(0, MAX_LENGTH)
      .toWellFormed() || undefined
  );
}

function nonEmpty(entries: readonly (readonly [string, string])[]): Attributes | undefined {
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
