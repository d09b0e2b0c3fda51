import type { ApiError } from '../../errors.ts';
import { parseObject } from '../../parse-json.ts';
import type { Usage } from '../../protocol/response.ts';
import { errorIn } from './error-event.ts';
import { type Fields, failureInStream } from './failure.ts';
import { finishIn, readForwardedJson } from './forwarded-json.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** How the events of a reply are passed on. */
export interface EventRules {
  /** The model's name in them; undefined for the server's own. */
  named: string | undefined;
  /** Whether the client has asked for the event that says nothing but the usage. */
  givesUsage: boolean;
  /** How the client's fields are found in an error. */
  fields: Fields;
}

/** Events that are passed on, and what was read of them. */
export interface PassedEvents {
  bytes: Uint8Array;
  /** Those with data. */
  deltas: number;
  usage: Usage | null;
  served: string;
  finish: string;
  /** The error that came behind them. */
  failure: ApiError | undefined;
}

/** What is read of an event beyond its bytes: its usage, and an error. */
const WORTH_READING = /"usage"\s*:\s*\{|"error"|^event: ?error/m;

const DATA = /^data:/gm;
const BLANK_LINE = /\r?\n\r?\n/g;

/** Passes events on as they are, and reads those that count: the first that names the model, those with usage, errors. */
export class ForwardedEvents {
  readonly #rules: EventRules;
  /** Whether one of them has ended a text, or all of them. */
  hasEnded = false;
  /** Whether the model's name is looked at in each event. */
  #looks = true;
  #served = '';

  constructor(rules: EventRules) {
    this.#rules = rules;
  }

  /** Takes in whole events. */
  pass(block: Uint8Array): PassedEvents {
    const text = decoder.decode(block);
    const passed: PassedEvents = {
      bytes: block,
      deltas: text.match(DATA)?.length ?? 0,
      usage: null,
      served: this.#served,
      finish: finishIn(text),
      failure: undefined,
    };
    this.hasEnded ||= passed.finish !== '' || text.includes('[DONE]');
    if (!this.#looks && !WORTH_READING.test(text)) return passed;
    const given: string[] = [];
    for (const event of eventsIn(text)) {
      passed.failure = this.#failureIn(event);
      if (passed.failure) break;
      given.push(this.#read(event, passed));
    }
    const whole = given.join('');
    if (whole !== text) passed.bytes = encoder.encode(whole);
    return passed;
  }

  #failureIn(event: string): ApiError | undefined {
    if (!WORTH_READING.test(event)) return undefined;
    const data = dataOf(event);
    const isNamed = /^event: ?error/m.test(event);
    const error = data?.json.includes('"error"') || isNamed ? errorOf(data?.json ?? '', isNamed) : undefined;
    return error === undefined ? undefined : failureInStream(error, this.#rules.fields);
  }

  /** The event as it is passed on; empty for none. */
  #read(event: string, passed: PassedEvents): string {
    const data = dataOf(event);
    if (!data) return event;
    const { named, givesUsage } = this.#rules;
    const { text, usage, served } = readForwardedJson(data.json, named);
    if (usage) passed.usage = usage;
    if (served !== '') {
      this.#served = passed.served = served;
      this.#looks = named !== undefined && served !== named;
    }
    if (usage && !givesUsage && saysNothingElse(data.json)) return '';
    return text === data.json ? event : event.slice(0, data.from) + text + event.slice(data.from + data.json.length);
  }
}

/** The texts of events, each with its blank line. */
function eventsIn(text: string): string[] {
  const events: string[] = [];
  let from = 0;
  for (const { index, 0: line } of text.matchAll(BLANK_LINE)) {
    events.push(text.slice(from, index + line.length));
    from = index + line.length;
  }
  if (from < text.length) events.push(text.slice(from));
  return events;
}

/** The JSON object that is the one line of an event's data, and where it stands. */
function dataOf(event: string): { from: number; json: string } | undefined {
  const found = /^data: ?(?=\{)/m.exec(event);
  if (!found) return undefined;
  const from = found.index + found[0].length;
  const [json = ''] = event.slice(from).split(/\r?\n/, 1);
  return { from, json };
}

function errorOf(json: string, isNamed: boolean): unknown {
  const event = parseObject(json);
  if (event) return errorIn(event) ?? (isNamed ? event : undefined);
  return isNamed ? json : undefined;
}

/** Whether a chunk has no choices, and so nothing but its usage. */
function saysNothingElse(json: string): boolean {
  const choices = parseObject(json)?.choices;
  return Array.isArray(choices) && choices.length === 0;
}
