import * as v from 'valibot';
import { Id, maybe, options } from '../protocol/fields.ts';
import { ReasoningEffort } from '../protocol/reasoning.ts';
import { ItemTool, TextFormat } from '../protocol/tools.ts';
import type { DirectiveKind } from './kind.ts';

// Items that configure the turns after them.

/** Tools that the model may use from here on. */
const AdditionalTools = v.object({
  type: v.literal('additional_tools'),
  id: Id,
  role: v.nullish(v.picklist(['user', 'system', 'developer']), 'developer'),
  tools: v.array(ItemTool),
});

/** Settings that hold from here on. */
const ConfigurationUpdate = v.object({
  type: v.literal('configuration_update'),
  id: Id,
  reasoning: maybe(options({ effort: maybe(ReasoningEffort) })),
  text: maybe(v.object({ format: TextFormat })),
});

/** Tools that the model has from here on, as they are kept. */
export interface MoreTools {
  type: 'additional_tools';
  id: string;
  role: 'user' | 'system' | 'developer';
  tools: { type: string }[];
}

/** Settings that hold from here on, as they are kept. */
export interface Settings {
  type: 'configuration_update';
  id: string;
  reasoning?: { effort?: ReasoningEffort | null | undefined };
  text?: { format: TextFormat };
}

/** Tools that the model may call from here on. */
export const additional_tools: DirectiveKind<typeof AdditionalTools, MoreTools> = {
  role: 'directive',
  schema: AdditionalTools,
  title: 'AdditionalTools',
  prefix: 'at',
  keep: (input, id) => ({ ...input, id }),
};

/** Settings of the model call that hold from here on. */
export const configuration_update: DirectiveKind<typeof ConfigurationUpdate, Settings> = {
  role: 'directive',
  schema: ConfigurationUpdate,
  title: 'ConfigurationUpdate',
  prefix: 'cfg',
  keep: (input, id) => ({ ...input, id }),
};
