import type { Level } from '../index.ts';
import type { D1Binding } from '../state/database/d1.ts';

/**
 * What a deployment binds. `ANTIPHON_CONFIG` is the configuration as JSON, with the keys of the YAML file, and may name
 * secrets as `${NAME}`. Without it `OPENAI_BASE_URL` and `OPENAI_API_KEY` are the one backend, else the demo model.
 */
export interface Bindings {
  /** The D1 database of responses and conversations. */
  DB: D1Binding;
  /** Where background turns are made: an object for each. */
  TURNS: ObjectNamespace;
  ANTIPHON_CONFIG?: string;
  LOG_LEVEL?: Level;
  OPENAI_BASE_URL?: string;
  OPENAI_API_KEY?: string;
}

/** As much of a namespace of Durable Objects as is used. */
export interface ObjectNamespace {
  idFromName(name: string): object;
  get(id: object): { fetch(url: string, init: { method: string; body?: string }): Promise<Response> };
}
