import * as v from 'valibot';

/** How hard a reasoning model is to think; which of these a model takes is the backend's to say. */
export const ReasoningEffort = v.picklist(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
export type ReasoningEffort = v.InferOutput<typeof ReasoningEffort>;
