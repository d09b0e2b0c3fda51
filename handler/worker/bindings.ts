import type { Level } from '../index.ts';
import type { D1Binding } from '../state/database/d1.ts';

/**
 * Bindings of a deployment. `ANTIPHON_CONFIG` is the configuration as JSON, with the keys of the YAML file, and may name
 * secrets as `${NAME}`. Its `auth` is required, unless the program
 * identifies callers itself, since anybody can reach a Worker. Without models the backend is `OPENAI_BASE_URL` with `OPENAI_API_KEY`, else the demo model.
 */
export interface Bindings {
  /** The D1 database of responses and conversations, unless they are in another. */
  DB?: D1Binding;
  /** Durable Objects that run background turns, one for each. */
  TURNS: ObjectNamespace;
  /** Static assets: the script of the page at `/docs`, which does without where it is not there. */
  ASSETS?: { fetch(request: Request): Promise<Response> };
  ANTIPHON_CONFIG?: string;
  LOG_LEVEL?: Level;
  OPENAI_BASE_URL?: string;
  OPENAI_API_KEY?: string;
}

/** The part of a Durable Object namespace that is used. */
export interface ObjectNamespace {
  idFromName(name: string): object;
  get(id: object): { fetch(url: string, init: { method: string; body?: string }): Promise<Response> };
}
