import type { Models } from '../backend/models.ts';
import type { Brotli } from '../decompress.ts';
import type { ErrorStyle } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Tool } from '../tool/tool.ts';

/** What the routes work with. */
export interface Services {
  models: Models;
  tools: ReadonlyMap<string, Tool>;
  limits: Limits;
  errors: ErrorStyle;
  brotli: Brotli | undefined;
}

/** What a request's log line will say, filled in on the way; `end` writes it, once, when the reply has ended. */
export interface Entry {
  readonly requestId: string;
  model: string | null;
  streaming: boolean;
  /** What made a streamed reply fail, whose status was sent long before. */
  failure: unknown;
  end(): void;
}

/** Hono's types for our context. */
export interface Env {
  Variables: { entry: Entry };
}
