import { isObject, type JsonObject } from '../../protocol/json.ts';
import { errorWords } from './error-words.ts';
import { type LearnedRules, type RequestRules, SEALED } from './request-rules.ts';
import { HINTS } from './servers.ts';

/** Whether a member of a request may be left out, by its value: the answer means the same without. */
type Droppable = (value: unknown) => boolean;

const always: Droppable = (value) => value !== undefined;

/**
 * Members that change no meaning: hints, and what no client gives. Never tools, formats and input; and the default of
 * what a client may give, since that is what a server does without.
 */
const DROPPABLE: Readonly<Record<string, Droppable>> = {
  ...Object.fromEntries(HINTS.map((hint) => [hint, always])),
  metadata: always,
  stream_options: always,
  store: (value) => value === false,
  tool_choice: (value) => value === 'auto',
  parallel_tool_calls: (value) => value === true,
};

/** Words of a server that does not know or take a member. */
const REFUSED =
  /unsupported|unrecogni[sz]ed|unknown|unexpected|extra(neous)?[ _](inputs?|fields?|forbidden|key)|\bnot\b.{0,20}(support|permit|allow|recogni[sz]|available|accept)|n[o']t support|cannot find field|no such|should not exist|additional propert/i;

/** Words of one that takes the member, and not its value or its absence. */
const TAKEN =
  /too (large|big|long|many|small|short)|exceed|at (most|least)|(less|greater|lower|higher|more) than|between|out of range|missing|must be (passed|returned|provided|present)/i;

/** Words of a server that takes no null. */
const NO_NULL = /\bnull\b|\bNone(Type)?\b|string_type|\b(valid|a|be|of type) string\b|nil\b/i;

/**
 * What there is to learn from a refusal: the members of a request in the older names (`max_tokens`) that it names and that
 * change no meaning, or the other name of a bound. Undefined if that is nothing.
 */
export function learnedFrom(body: string, request: JsonObject, rules: RequestRules): LearnedRules | undefined {
  const words = errorWords(body);
  const { gist } = words;
  const names = namesIn(words.all('param', 'loc'), gist);
  const sentAs = (name: string) => rules.rename[name] ?? name;
  const isRefused = (name: string) => !rules.omit.has(name) && names(sentAs(name));
  if (rules.nullContent && hasNullContent(request) && names('content') && NO_NULL.test(gist)) {
    return { nullContent: false };
  }
  if (!REFUSED.test(gist) || TAKEN.test(gist)) return undefined;
  if (rules.rename.max_tokens && request.max_tokens !== undefined && isRefused('max_tokens')) {
    const other = sentAs('max_tokens') === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
    return { rename: { max_tokens: other } };
  }
  const omit = Object.keys(DROPPABLE).filter((name) => DROPPABLE[name]?.(request[name]) && isRefused(name));
  // Beside `text.format` it says the same again.
  if (isObject(request.text) && request.response_format && isRefused('response_format')) omit.push('response_format');
  if (isRefused('cache_control') && JSON.stringify(request).includes('"cache_control"')) omit.push('cache_control');
  if (hasReasoning(request) && isRefused('reasoning_content')) omit.push('reasoning_content');
  if (asksForSealed(request) && (names('include') || /encrypted content/i.test(gist))) omit.push(SEALED);
  return omit.length > 0 ? { omit } : undefined;
}

function asksForSealed({ include }: JsonObject): boolean {
  return Array.isArray(include) && include.includes(SEALED);
}

function messagesOf({ messages }: JsonObject): JsonObject[] {
  return Array.isArray(messages) ? messages.filter(isObject) : [];
}

function hasNullContent(request: JsonObject): boolean {
  return messagesOf(request).some(({ role, content }) => role === 'assistant' && content === null);
}

function hasReasoning(request: JsonObject): boolean {
  return messagesOf(request).some(({ reasoning_content }) => reasoning_content !== undefined);
}

/**
 * Whether an error names a member: in its path, in front, in quotes, behind the word for it, or anywhere if it is no word of English.
 */
function namesIn(paths: readonly string[], gist: string): (name: string) => boolean {
  return (name) => {
    const inPath = new RegExp(`(^|[.\\]])${name}($|[.[])`);
    if (paths.some((path) => inPath.test(path))) return true;
    const inText = name.includes('_')
      ? `(?<![\\w-])${name}(?![\\w-])`
      : `^\\w+: (?:[\\w.[\\]]*[.\\]])?${name}: |(['"\`])(?:[\\w.[\\]]*[.\\]])?${name}\\1|(?:parameters?|arguments?|fields?|members?|inputs?|supplied|propert(?:y|ies)):? (?:\\w+, )*${name}\\b`;
    return new RegExp(inText, 'im').test(gist);
  };
}
