// The reasoning of a model, sealed as the Responses API gives it out, is the signature of its thinking.

/** The beginning of every signature of ours: others, Anthropic's own among them, are of no use to the models here. */
const MARK = 'antiphon-thinking.1.';

/** The signature of what a reasoning item has sealed. */
export function signatureOf(sealed: string): string {
  return MARK + sealed;
}

/** What was sealed; undefined for a signature that is not ours. */
export function sealedIn(signature: string | null | undefined): string | undefined {
  return signature?.startsWith(MARK) ? signature.slice(MARK.length) : undefined;
}
