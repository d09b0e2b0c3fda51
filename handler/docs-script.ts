/** The script of the page at `/docs`, compressed, with a digest of what it says; `br` where a root has it. */
export interface DocsScript {
  digest: string;
  gzip: Uint8Array<ArrayBuffer>;
  br?: Uint8Array<ArrayBuffer>;
}

/**
 * Finds the script of the page at `/docs`, when the page is first asked for. `asset` where the platform serves it by itself
 * at `/docs/reference.js`; undefined where there is none, and the page does without.
 */
export type FindDocsScript = () => Promise<DocsScript | 'asset' | undefined>;
