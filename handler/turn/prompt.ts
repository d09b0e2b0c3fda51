import { ApiError, missing, wordOf } from '../errors.ts';
import type { InputItem } from '../items/input.ts';
import type { InputFile, InputImage, InputText } from '../protocol/content.ts';
import type { CreateRequest } from '../protocol/request.ts';

/** A prompt template of the configuration; clients fill in its `{{variables}}`. */
export interface PromptTemplate {
  id: string;
  version: string;
  /** The tenant that has it. Default: all of them. */
  tenant?: string | undefined;
  model?: string | undefined;
  instructions?: string | undefined;
  input?: InputItem[] | undefined;
}

/** The members of a request that a prompt fills in. */
type Prompted = Pick<CreateRequest, 'model' | 'instructions' | 'input' | 'prompt'>;

type Variables = Readonly<Record<string, string | InputText | InputImage | InputFile>>;

/** Why there is no prompt of this id. Names of others are not told: they may be nobody else's business. */
function unknownPrompt(id: string): string {
  return `The prompt ${wordOf(id) ?? 'of this id'} was not found; \`prompts\` in the configuration has those that are there.`;
}

/** The versions of a prompt that a tenant sees: its own, or else those of everybody. */
function versionsOf(id: string, templates: readonly PromptTemplate[], tenant: string): PromptTemplate[] {
  const all = templates.filter((template) => template.id === id);
  const own = all.filter((template) => template.tenant === tenant);
  return own.length > 0 ? own : all.filter((template) => template.tenant === undefined);
}

/** A request after its prompt was applied; the first `prompted` input items are the prompt's. */
export type PromptedRequest = CreateRequest & { prompted: number };

/**
 * Applies the prompt that a request refers to: the prompt's items come before its own, and its own instructions and
 * model win. Without a version, the last (newest) one is used. What another tenant has is unknown. Throws an ApiError that names the field: 404 for an
 * unknown prompt, 422 for variables that are not the prompt's.
 */
export function applyPrompt<R extends Prompted>(
  request: R,
  templates: readonly PromptTemplate[],
  tenant: string,
): R & Prompted & { prompted: number } {
  const reference = request.prompt;
  if (reference == null) return { ...request, prompted: 0 };
  const versions = versionsOf(reference.id, templates, tenant);
  if (versions.length === 0) throw new ApiError('not_found', unknownPrompt(reference.id), { param: 'prompt.id' });
  const template = versions.findLast(({ version }) => version === (reference.version ?? version));
  if (!template) {
    const there = versions.map(({ version }) => wordOf(version)).filter(Boolean);
    throw new ApiError('not_found', `The prompt has no such version; it has ${there.join(', ')}.`, {
      param: 'prompt.version',
    });
  }
  const variables = reference.variables ?? {};
  const used = new Set<string>();
  const fill = (text: string) =>
    text.replace(VARIABLE, (_, name: string) => {
      used.add(name);
      const value = variables[name];
      if (value === undefined) throw missing(`prompt.variables.${name}`);
      if (typeof value === 'string') return value;
      if (value.type === 'input_text') return value.text;
      throw wrong(name, 'is an image or a file, which can only take the place of a whole part');
    });
  const items = (template.input ?? []).map((item) => fillItem(item, variables, fill, used));
  const instructions = template.instructions === undefined ? null : fill(template.instructions);
  const stray = Object.keys(variables).find((name) => !used.has(name));
  if (stray !== undefined) throw wrong(stray, 'is not a variable of the prompt');
  const own = typeof request.input === 'string' ? [user(request.input)] : (request.input ?? []);
  return {
    ...request,
    model: request.model ?? template.model,
    instructions: request.instructions ?? instructions,
    input: items.length > 0 || request.input != null ? [...items, ...own] : null,
    prompt: { ...reference, version: template.version },
    prompted: items.length,
  };
}

const VARIABLE = /\{\{\s*([\w.-]+)\s*\}\}/g;
const WHOLE = /^\{\{\s*([\w.-]+)\s*\}\}$/;

function fillItem(item: InputItem, variables: Variables, fill: (text: string) => string, used: Set<string>): InputItem {
  if (item.type !== 'message') return item;
  if (typeof item.content === 'string') return { ...item, content: fill(item.content) };
  const content = item.content.map((part) => {
    if (part.type !== 'input_text') return part;
    const name = WHOLE.exec(part.text)?.[1];
    const value = name === undefined ? undefined : variables[name];
    if (name === undefined || value === undefined || typeof value === 'string') {
      return { ...part, text: fill(part.text) };
    }
    used.add(name);
    return value;
  });
  return { ...item, content };
}

function user(content: string): InputItem {
  return { type: 'message', role: 'user', content };
}

function wrong(name: string, why: string): ApiError {
  const param = `prompt.variables.${name}`;
  return new ApiError('invalid_value', `${param} ${why}`, { param });
}
