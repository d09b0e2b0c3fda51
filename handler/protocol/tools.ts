import * as v from 'valibot';
import { AnyObject, FunctionName, maybe, Text } from './fields.ts';
import { type HostedType, hostedTools, isHosted } from './hosted-tools.ts';
import { isObject, isShallow, type JsonObject, MAX_DEPTH } from './json.ts';

/** A tool of any type, which decides what else it has; it is echoed, so it may hold an object of the greatest depth. */
export const AnyTool = v.pipe(
  v.custom<JsonObject>((value) => isObject(value) && isShallow(value, 2 * MAX_DEPTH)),
  v.looseObject({ type: v.string() }),
);

/** Who may call a tool: the model itself. The other value, `programmatic`, is of a tool that is not there. */
const AllowedCallers = maybe(v.pipe(v.array(v.literal('direct')), v.nonEmpty()));

/** A function that the client runs. */
export const FunctionTool = v.object({
  type: v.literal('function'),
  name: FunctionName,
  description: maybe(v.string()),
  parameters: maybe(AnyObject),
  strict: maybe(v.boolean()),
  output_schema: maybe(AnyObject),
  allowed_callers: AllowedCallers,
  async: maybe(v.boolean()),
  defer_loading: maybe(v.boolean()),
});
export type FunctionTool = v.InferOutput<typeof FunctionTool>;

const CustomFormat = v.variant('type', [
  v.object({ type: v.literal('text') }),
  v.object({ type: v.literal('grammar'), syntax: v.picklist(['lark', 'regex']), definition: Text }),
]);

/** A tool that the client runs, whose input is text, free or after a grammar. */
export const CustomTool = v.object({
  type: v.literal('custom'),
  name: FunctionName,
  description: maybe(v.string()),
  format: maybe(CustomFormat),
  allowed_callers: AllowedCallers,
  async: maybe(v.boolean()),
  defer_loading: maybe(v.boolean()),
});
export type CustomTool = v.InferOutput<typeof CustomTool>;

/** Functions and custom tools under one name. */
export const NamespaceTool = v.object({
  type: v.literal('namespace'),
  name: FunctionName,
  description: v.string(),
  tools: v.array(v.variant('type', [FunctionTool, CustomTool])),
});
export type NamespaceTool = v.InferOutput<typeof NamespaceTool>;

const Skill = v.object({ name: v.string(), description: v.string(), path: v.string() });
/** The client's own machine, and the skills that it has. */
export const LocalEnvironment = v.object({ type: v.literal('local'), skills: maybe(v.array(Skill)) });
const Size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));

/** Tools of fixed shapes that the client runs. */
const LocalShellTool = v.object({ type: v.literal('local_shell') });
const ShellTool = v.object({
  type: v.literal('shell'),
  environment: maybe(LocalEnvironment),
  allowed_callers: AllowedCallers,
});
const ApplyPatchTool = v.object({ type: v.literal('apply_patch'), allowed_callers: AllowedCallers });
const ComputerTool = v.object({ type: v.literal('computer') });
const ComputerPreviewTool = v.object({
  type: v.literal('computer_use_preview'),
  display_width: Size,
  display_height: Size,
  environment: v.picklist(['windows', 'mac', 'linux', 'ubuntu', 'browser']),
});
const ToolSearchTool = v.object({
  type: v.literal('tool_search'),
  execution: v.nullish(v.picklist(['client', 'server']), 'server'),
  description: maybe(v.string()),
  parameters: maybe(AnyObject),
});

/** Every tool that the client runs, by its type. */
export const clientTools = {
  function: FunctionTool,
  custom: CustomTool,
  namespace: NamespaceTool,
  local_shell: LocalShellTool,
  shell: ShellTool,
  apply_patch: ApplyPatchTool,
  computer: ComputerTool,
  computer_use_preview: ComputerPreviewTool,
  tool_search: ToolSearchTool,
} as const;

/** A tool as an item holds it: of a type that the client runs, or of another that the server may know. */
export const ItemTool = v.lazy((value) => {
  const type = isObject(value) && typeof value.type === 'string' ? value.type : '';
  return isClientType(type) ? clientTools[type] : AnyTool;
});

/** Whether tools of this type are run by the client. */
export function isClientType(type: string): type is keyof typeof clientTools {
  return Object.hasOwn(clientTools, type);
}

/** A tool that the client runs. */
export type ClientTool = v.InferOutput<(typeof clientTools)[keyof typeof clientTools]>;

const ToolMode = v.picklist(['none', 'auto', 'required']);
const NamedFunction = v.object({ type: v.literal('function'), name: FunctionName });
const NamedCustom = v.object({ type: v.literal('custom'), name: FunctionName });
const Shell = v.object({ type: v.literal('shell') });
const ApplyPatch = v.object({ type: v.literal('apply_patch') });
const Computer = v.object({ type: v.picklist(['computer', 'computer_use', 'computer_use_preview']) });
const AllowedTools = v.object({
  type: v.literal('allowed_tools'),
  mode: v.picklist(['auto', 'required']),
  tools: v.pipe(
    v.array(
      v.object({
        type: v.string(),
        name: maybe(v.string()),
        namespace: maybe(v.string()),
        server_label: maybe(v.string()),
      }),
    ),
    v.nonEmpty(),
    v.maxLength(128), // OpenResponses' bound
  ),
});

const ToolByType = v.variant('type', [NamedFunction, NamedCustom, Shell, ApplyPatch, Computer, AllowedTools]);

/** A hosted tool; of MCP, one server by its label, or one tool of it. */
const ofHosted = { server_label: maybe(v.string()), name: maybe(v.string()) };
const HostedByName = v.object({ type: v.picklist(hostedTools), ...ofHosted });
const HostedChoice = v.object({
  type: v.custom<HostedType>((type) => typeof type === 'string' && isHosted(type)),
  ...ofHosted,
});
/** One tool that OpenAI hosts, which the model has to use. */
export type HostedChoice = v.InferOutput<typeof HostedChoice>;

/** Every choice but those of dated types. */
const AnyChoice = v.variant('type', [...ToolByType.options, HostedByName]);

/** Which tool the model is to use: a mode, one tool, or a mode for some of them. */
export const ToolChoice = v.lazy<v.GenericSchema<unknown, ToolChoice>>((value) => {
  if (typeof value === 'string') return ToolMode;
  return isObject(value) && typeof value.type === 'string' && isHosted(value.type) ? HostedChoice : AnyChoice;
});
export type ToolChoice = CallChoice | HostedChoice;

/** The same for a model, to which the tools of a hosted tool are functions. */
export type CallChoice = v.InferOutput<typeof ToolMode | typeof ToolByType>;

/** The form of the model's text: free, any JSON object, or JSON that fits a schema. */
export const TextFormat = v.variant('type', [
  v.object({ type: v.literal('text') }),
  v.object({ type: v.literal('json_object') }),
  v.object({
    type: v.literal('json_schema'),
    name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/)),
    schema: AnyObject,
    description: maybe(v.string()),
    strict: maybe(v.boolean()),
  }),
]);
export type TextFormat = v.InferOutput<typeof TextFormat>;
