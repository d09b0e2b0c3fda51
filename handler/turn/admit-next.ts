import { ApiError } from '../errors.ts';
import type { TurnSummary } from './turn-summary.ts';

/** A turn that limits have admitted. */
interface AdmittedTurn {
  goOn(summary: TurnSummary): Promise<void> | undefined;
}

/** Whether an admitted turn may call its model once more: resolves, or rejects with the ApiError of a limit that it meets now. */
export async function admitNext(admitted: AdmittedTurn | undefined, summary: TurnSummary): Promise<void> {
  try {
    await admitted?.goOn(summary);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Whoever sends the request again has its tools run again.
    throw error.and('The turn was ended before its next model call.').withHeaders({ 'x-should-retry': 'false' });
  }
}
