/** Types of items that Antiphon has and the `openai` package does not: nothing is compared for them. */
export const ownItems = [] as const satisfies readonly string[];

/** Types of events, likewise. */
export const ownEvents = [] as const satisfies readonly string[];
