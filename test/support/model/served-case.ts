import { readdirSync, readFileSync } from 'node:fs';
import { type Door, post } from '../doors/door.ts';
import type { Script } from './scripted.ts';

// biome-ignore lint/suspicious/noExplicitAny: a case's expression reaches into what came without a schema
type Json = any;

/** What a model's server says to one request: a JSON body, or a stream as chunks or bytes, which `[DONE]` ends unless it is cut, left open or without. */
interface Said {
  status?: number;
  json?: object;
  raw?: string | readonly string[];
  chunks?: readonly Json[];
  /** Each event has a line with its `type`. */
  named?: boolean;
  done?: boolean;
  cut?: boolean;
  hang?: boolean;
}

/** A case of `test/fixtures/model-servers`, whose README says what its members mean. */
export interface ServedCase {
  name: string;
  should: string;
  check: string;
  model?: string;
  replies: readonly Said[];
  requests: readonly Json[];
}

const FOLDER = new URL('../../fixtures/model-servers/', import.meta.url);

/** All cases, by the names of their files. */
export function servedCases(): ServedCase[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return files.map((file) => ({
    name: file.slice(0, -'.json'.length),
    ...JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')),
  }));
}

/**
 * Plays a case through a door, with `stream` in requests that do not say it; resolves with what came, as JSON, if its check does
 * not hold.
 */
export async function playCase(door: Door, served: ServedCase, stream: boolean): Promise<string | undefined> {
  const add = served.model?.startsWith('resp-') ? door.model.native : door.model.script;
  const model = add(...served.replies.map(scriptOf));
  const came: Seen[] = [];
  for (const request of served.requests) {
    const output = came.at(-1)?.output ?? [];
    const filled = JSON.parse(JSON.stringify(request).replaceAll('"$prev"', JSON.stringify(came.at(-1)?.body.id)));
    const { input } = filled;
    if (Array.isArray(input)) filled.input = input.flatMap((item) => (item === '$output' ? output : [item]));
    const reply = await post(door, { stream, ...filled, model });
    came.push(seen(reply.status, await reply.text()));
  }
  const sent = door.model.calls(model).map(({ body }) => body);
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const check = new Function('came', 'last', 'sent', 'same', `return (${served.check})`);
  return check(came, came.at(-1), sent, same) ? undefined : JSON.stringify({ came, sent }, undefined, 1);
}

function scriptOf({ status, json, raw, chunks = [], named, done = true, cut, hang }: Said): Script {
  return async (turn) => {
    if (json) return turn.reply(status ?? 200, json);
    for (const bytes of [raw ?? []].flat()) await turn.raw(bytes);
    for (const chunk of chunks) {
      await turn.raw(`${named ? `event: ${chunk.type}\n` : ''}data: ${JSON.stringify(chunk)}\n\n`);
    }
    if (hang) return turn.closed;
    if (cut) return turn.cut();
    if (done) await turn.raw('data: [DONE]\n\n');
    turn.end();
  };
}

type Seen = ReturnType<typeof seen>;

/** What an expression sees of one answer. */
function seen(http: number, text: string) {
  const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
  const events: Json[] = lines.map((line) => JSON.parse(line.slice('data: '.length)));
  const body = text.startsWith('{') ? JSON.parse(text) : (events.findLast(({ response }) => response)?.response ?? {});
  const output: Json[] = body.output ?? [];
  const parts = output.flatMap(({ type, content, summary }) =>
    [...(content ?? []), ...(summary ?? [])].map((part) => ({ type, text: part.text })),
  );
  const textOf = (kind: string) => parts.flatMap(({ type, text }) => (type === kind ? [text] : [])).join('');
  return {
    http,
    body,
    output,
    ended: http >= 500 ? 'failed' : (body.status ?? `http ${http}`),
    code: body.error?.code,
    reason: body.incomplete_details?.reason,
    usage: body.usage,
    text: textOf('message'),
    reasoning: textOf('reasoning'),
    calls: output.flatMap(({ type, name, input, arguments: args }) =>
      type.endsWith('_call') ? [[name, input ?? parsed(args)]] : [],
    ),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
