import { isObject, type JsonObject } from '../../protocol/json.ts';
import { object } from './json-fields.ts';
import { refusalIn } from './refusals.ts';

/** Names of members in which servers put what went wrong, beside `error`. */
const NAME = /^(errors|detail|fault|error_?(msg|message|code))$|exception$/i;

/** The error that an event is, or has in any of the wrappings that servers use; undefined where it has none. */
export function errorIn(event: JsonObject): unknown {
  const { error, object: kind, type, status, code, data } = event;
  if (isSomething(error)) return isObject(error) && isSomething(error.error) ? errorIn(error) : error;
  if (kind === 'error' || type === 'error' || status === 'error' || event.success === false) return event;
  if (isObject(data) && isSomething(data.error)) return errorIn(data);
  if (Object.keys(event).some((name) => NAME.test(name) && isSomething(event[name]))) return event;
  if (Number(object(event.base_resp).status_code ?? 0) !== 0) return event.base_resp;
  const message = ['message', 'Message', 'msg'].find((name) => typeof event[name] === 'string');
  if (message === undefined) return undefined;
  const isTold = isFault(code) || [status, event.statusCode, event.status_code].some((number) => Number(number) >= 400);
  // A chunk beside its choices, or an event, may have a message of another kind: a bare one only has to sound like an error.
  const isBare = type === undefined && !('choices' in event);
  const words = `${type} ${status} ${event.__type} ${isBare ? event[message] : ''}`;
  return isTold || FAULT.test(words) || refusalIn(`message: ${event[message]}`) ? event : undefined;
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
