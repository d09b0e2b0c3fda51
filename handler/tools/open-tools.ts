import type { Config } from '../config/index.ts';
import type { Egress } from '../egress/egress.ts';
import type { Seal } from '../seal.ts';
import type { Tool } from './tool.ts';

/** What the handler gives to tools that it opens. */
export interface ToolServices {
  /** The one way out, for all of their requests. */
  readonly egress: Egress;
  /** The Seal of a tenant, for secrets that a job keeps. */
  readonly seal: (tenant: string) => Seal;
}

/**
 * Opens tools by a configuration, and again for each that is loaded later: they hold nothing that has to be closed. Throws a ConfigError
 * that names a wrong key.
 */
export type OpenTools = (config: Config, services: ToolServices) => readonly Tool[];
