/** The label of values beyond the bound. */
export const OTHER = 'other';

/** The longest label, in characters. */
const MAX_LENGTH = 128;

/**
 * The values that one label of a metric may have: the first `max` different ones that are asked for, and `other` for all that
 * come later, or are too long. Each value is a series that a metrics server keeps, and clients write many of them.
 */
export class BoundedLabel {
  readonly #max: number;
  readonly #known = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether a value has a label of its own. */
  has(value: string): boolean {
    return this.#known.has(value);
  }

  /** The label of a value. */
  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#max || value.length > MAX_LENGTH) return OTHER;
    this.#known.add(value);
    return value;
  }
}
