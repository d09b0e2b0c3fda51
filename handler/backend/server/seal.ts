/** Keeps what a model's server wants back as it was in the `encrypted_content` of a reasoning item, in a backend's name. */
export interface BackendSeal {
  /** The text as an `encrypted_content`, readable by anybody: it is marked, and not encrypted. */
  seal(text: string): string;
  /** The sealed text; undefined for nothing, and for what anybody else has sealed. */
  open(sealed: string | null | undefined): string | undefined;
}

/** The beginning of all that is sealed here, `handler/seal.ts` included: a name and a version. Servers seal in base64. */
const MARK = /^[a-z]+\.\d+\./;

/** The seal of a backend. Throws for a name that is not small letters, or `antiphon`, which is the deployment's own. */
export function backendSeal(name: string, version = 1): BackendSeal {
  if (!/^[a-z]+$/.test(name) || name === 'antiphon') throw new Error(`a backend cannot seal in the name of ${name}`);
  const mark = `${name}.${version}.`;
  return {
    seal: (text) => mark + text,
    open: (sealed) => (sealed?.startsWith(mark) ? sealed.slice(mark.length) : undefined),
  };
}

/** Whether a text was sealed here, by a backend or the deployment: no model's server has made it, and none can read it. */
export function isSealedHere(text: string): boolean {
  return MARK.test(text);
}
