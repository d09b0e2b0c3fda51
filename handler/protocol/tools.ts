import * as v from 'valibot';
import { AnyObject, maybe } from './content.ts';
import { FunctionName } from './items.ts';

/** A function that the client runs. */
export const FunctionTool = v.object({
  type: v.literal('function'),
  name: FunctionName,
  description: maybe(v.string()),
  parameters: maybe(AnyObject),
  strict: maybe(v.boolean()),
});
export type FunctionTool = v.InferOutput<typeof FunctionTool>;

const ToolMode = v.picklist(['none', 'auto', 'required']);
const NamedFunction = v.object({ type: v.literal('function'), name: FunctionName });

/** Which tool the model is to use: a mode, or one function by name. */
export const ToolChoice = v.lazy((value) => (typeof value === 'string' ? ToolMode : NamedFunction));
export type ToolChoice = v.InferOutput<typeof ToolChoice>;

/** The form of the model's text: free, any JSON object, or JSON that fits a schema. */
export const TextFormat = v.variant('type', [
  v.object({ type: v.literal('text') }),
  v.object({ type: v.literal('json_object') }),
  v.object({
    type: v.literal('json_schema'),
    name: FunctionName,
    schema: AnyObject,
    description: maybe(v.string()),
    strict: maybe(v.boolean()),
  }),
]);
export type TextFormat = v.InferOutput<typeof TextFormat>;
