import { isObject, type JsonObject } from '../../protocol/json.ts';
import { object } from './json-fields.ts';

/** Members in which servers put what went wrong, beside `error`. */
const MEMBERS = ['errors', 'detail', 'fault', 'error_msg', 'error_message', 'error_code', 'exception'];

/** The error that an event is, or has in any of the wrappings that servers use; undefined where it has none. */
export function errorIn(event: JsonObject): unknown {
  const { error, object: kind, type, status, code } = event;
  if (isSomething(error)) return isObject(error) && isSomething(error.error) ? errorIn(error) : error;
  if (kind === 'error' || type === 'error' || status === 'error' || event.success === false) return event;
  if (MEMBERS.some((member) => isSomething(event[member]))) return event;
  if (Number(object(event.base_resp).status_code ?? 0) !== 0) return event.base_resp;
  return typeof event.message === 'string' && (isFault(code) || FAULT.test(`${type} ${status}`)) ? event : undefined;
}

const FAULT = /error|exception|denied|invalid|exceed|fail|unavailable|overload|limit/i;

/** Whether a code is of an error: a status from 400 on, or a word that is not of success. */
function isFault(code: unknown): boolean {
  if (typeof code === 'string' && code !== '') return !/^(0|2\d\d|ok|success)$/i.test(code);
  return Number(code ?? 0) >= 400;
}

function isSomething(value: unknown): boolean {
  if (value == null || value === '' || value === false || value === 0) return false;
  return Array.isArray(value) ? value.length > 0 : !isObject(value) || Object.keys(value).length > 0;
}
