import * as v from 'valibot';
import { ApiError, type ErrorKind, missing, wordOf } from './errors.ts';
import { nearest } from './nearest.ts';
import type { RefusalCode } from './protocol/error-codes.ts';
import { isObject, MAX_DEPTH } from './protocol/json.ts';

/** Any schema. */
export type Schema = v.GenericSchema;

/** The output of a schema; undefined without one. */
export type Checked<S> = S extends Schema ? v.InferOutput<S> : undefined;

/** The value as the schema reads it; throws an ApiError that names the first wrong field below `within`. */
export function check<S extends Schema>(schema: S, value: unknown, within = ''): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  throw invalid(result.issues[0], within);
}

/** The value as the schema reads it; undefined where it does not fit. */
export function fitting<S extends Schema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  return result.success ? result.output : undefined;
}

/** The ApiError of an issue, in our words: valibot's own repeat the received value. */
function invalid(issue: v.BaseIssue<unknown>, within: string): ApiError {
  const param = (v.getDotPath(issue) === null ? within : pathOf(issue, within)) || within;
  const name = param || 'The request body';
  if (issue.received === 'undefined' && param) return missing(param);
  const detail = phrase(issue);
  return new ApiError(kindOf(issue), `${name} ${detail}`, { param: param || null, finer: finerCode(issue, param) });
}

/** The fields whose numbers need not be whole. */
const DECIMAL = /^(temperature|top_p|presence_penalty|frequency_penalty)$/;

/** OpenAI's code for a value beyond its bounds. */
function finerCode({ type, input }: v.BaseIssue<unknown>, param: string): RefusalCode | undefined {
  const number = DECIMAL.test(param) ? 'decimal' : 'integer';
  if (type === 'min_value') return `${number}_below_min_value`;
  if (type === 'max_value') return `${number}_above_max_value`;
  if (type === 'max_length') return Array.isArray(input) ? 'array_above_max_length' : 'string_above_max_length';
  return undefined;
}

function pathOf(issue: v.BaseIssue<unknown>, within: string): string {
  let path = within;
  for (const { key } of issue.path ?? []) {
    path += typeof key === 'number' ? `[${key}]` : path === '' ? String(key) : `.${String(key)}`;
  }
  return path;
}

/** What kind of error an issue is: a type of object that is not known is a wrong value of its `type`. */
function kindOf(issue: v.BaseIssue<unknown>): ErrorKind {
  const { type, kind, expected } = issue;
  if (type === 'never' || isUnknownMember(issue)) return 'unsupported';
  const isValue = kind === 'validation' || (VALUE_TYPES.has(type) && expected !== 'Object');
  return isValue ? 'invalid_value' : 'invalid_type';
}

/** Whether an issue is a member that an object may not have, in one that has no others than it names. */
function isUnknownMember({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never';
}

const VALUE_TYPES = new Set(['picklist', 'literal', 'variant']);

function phrase(issue: v.BaseIssue<unknown>): string {
  const { expected } = issue;
  if (isUnknownMember(issue)) return 'is not supported';
  switch (issue.type) {
    case 'picklist':
    case 'literal':
    case 'variant':
      if (expected === 'Object') return 'must be an object';
      return `${given(issue)}must be one of ${valuesIn(expected ?? '').join(', ')}`;
    case 'min_value':
      return `must be at least ${issue.requirement}${insteadOf(issue)}`;
    case 'max_value':
      return `must be at most ${issue.requirement}${insteadOf(issue)}`;
    case 'integer':
      return `must be a whole number${insteadOf(issue)}`;
    case 'max_length':
      return `must not be longer than ${issue.requirement}${lengthOf(issue)}`;
    case 'max_entries':
      return `must not have more than ${issue.requirement} entries`;
    case 'non_empty':
      return 'must not be empty';
    case 'regex':
      if (isOurs(issue)) return issue.message;
      return `must be 1 to ${/,(\d+)\}/.exec(String(issue.requirement))?.[1]} letters, digits, underscores or dashes`;
    case 'never':
    case 'check':
      return issue.message;
    case 'custom':
      if (!isObject(issue.input)) return `must be an object${kindOfInput(issue)}`;
      return `must be an object, nested at most ${MAX_DEPTH} deep`;
    default:
      if (isOurs(issue)) return issue.message;
      return `must be ${articled((expected ?? 'valid').toLowerCase())}${kindOfInput(issue)}`;
  }
}

/** The values of which one is expected. Null and undefined are none: they mean that a member is not given. */
function valuesIn(expected: string): string[] {
  const all = expected.replace(/[()]/g, '').split(' | ');
  return all.filter((one) => one !== 'null' && one !== 'undefined');
}

/** Whether the words of an issue are a schema's own: valibot's begin like this. */
function isOurs({ message }: v.BaseIssue<unknown>): boolean {
  return !message.startsWith('Invalid ');
}

/** The word that was given, and what was probably meant. */
function given({ type, input, expected }: v.BaseIssue<unknown>): string {
  const word = wordOf(input);
  if (!word) return type === 'picklist' ? '' : 'is not supported; it ';
  const near = nearest(
    word.slice(1, -1),
    valuesIn(expected ?? '').map((value) => value.replaceAll('"', '')),
  );
  const before = type === 'picklist' ? 'is' : 'is not supported: it is';
  return `${before} ${word}${near ? ` (did you mean "${near}"?)` : ''} and `;
}

function insteadOf({ input }: v.BaseIssue<unknown>): string {
  return typeof input === 'number' ? `, not ${input}` : '';
}

function lengthOf({ input }: v.BaseIssue<unknown>): string {
  return typeof input === 'string' || Array.isArray(input) ? `, and has ${input.length}` : '';
}

/** What kind of value was given, where that is why it does not fit. */
function kindOfInput({ input }: v.BaseIssue<unknown>): string {
  if (input === null) return ', not null';
  return `, not ${articled(Array.isArray(input) ? 'list' : typeof input)}`;
}

function articled(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
