import { parseObject } from '../../parse-json.ts';
import type { Usage } from '../../protocol/response.ts';
import { errorIn } from './error-event.ts';
import { forwardedUsage } from './forwarded-usage.ts';
import { memberSpans } from './json-members.ts';

/** What is read of a JSON object that is passed on. */
export interface ForwardedJson {
  /** The text with the name that replies have for the model; the same where that is its server's. */
  text: string;
  usage: Usage | null;
  /** The model as its server names it; empty where it does not. */
  served: string;
  /** Why its text ends; empty where it does not say. */
  finish: string;
  /** The error that it has in place of an answer. */
  error: unknown;
}

/** Reads the few members that count of an object's JSON, and gives its model another name. */
export function readForwardedJson(text: string, named: string | undefined): ForwardedJson {
  const spans = memberSpans(text, ['model', 'usage', 'error']);
  const of = (name: string) => {
    const [from, to] = spans.get(name) ?? [0, 0];
    return text.slice(from, to);
  };
  const served = nameIn(of('model'));
  const isOther = named !== undefined && served !== '' && served !== named;
  const [from, to] = spans.get('model') ?? [0, 0];
  return {
    text: isOther ? `${text.slice(0, from)}${JSON.stringify(named)}${text.slice(to)}` : text,
    usage: forwardedUsage(of('usage')),
    served,
    finish: finishIn(text),
    error: spans.has('error') ? errorIn(parseObject(`{"error":${of('error')}}`) ?? {}) : undefined,
  };
}

/** The first reason for which a text of it ends, in a reply or in events. */
export function finishIn(text: string): string {
  return /"finish_reason"\s*:\s*"(\w{1,40})"/.exec(text)?.[1] ?? '';
}

function nameIn(json: string): string {
  if (!json.trimStart().startsWith('"')) return '';
  const model = parseObject(`{"model":${json}}`)?.model;
  return typeof model === 'string' ? model : '';
}
