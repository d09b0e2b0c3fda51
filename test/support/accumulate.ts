import assert from 'node:assert/strict';

/** An event or a member of one, as JSON has it. */
// biome-ignore lint/suspicious/noExplicitAny: a referee reads what was sent, not what types promise
export type Json = any;

/** What a reader makes of a stream. */
export interface Replay {
  events: Json[];
  /** The response as put together from the events alone, but for what only the terminal event says. */
  response: Json;
  /** The response of the terminal event. */
  terminal: Json;
}

/** The events of a whole stream; checks its framing and that `[DONE]` ends it. */
export function eventsOf(text: string): Json[] {
  const blocks = text.split('\n\n');
  assert.equal(blocks.pop(), '', 'the stream ends with a blank line');
  assert.equal(blocks.pop(), 'data: [DONE]');
  return blocks
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const [, type, data, rest] = /^event: (\S+)\ndata: ([^\n]*)(.*)$/s.exec(block) ?? [];
      assert.equal(rest, '', `one event a block: ${block}`);
      const event = JSON.parse(data ?? '');
      assert.equal(event.type, type);
      return event;
    });
}

/**
 * Reads a stream as a strict client would, one open item at a time, and checks on the way that numbers count up from 0,
 * places are consecutive, what was added is done, deltas make up what is done, and one terminal event ends it.
 * Written apart from the product's own fold, which it judges.
 */
export function replay(text: string): Replay {
  const events = eventsOf(text);
  for (const [number, event] of events.entries()) assert.equal(event.sequence_number, number);
  const [created, inProgress] = events;
  assert.equal(created.type, 'response.created');
  assert.equal(inProgress.type, 'response.in_progress');
  assert.deepEqual(inProgress.response, created.response);
  assert.equal(created.response.status, 'in_progress');
  assert.deepEqual(created.response.output, []);

  const last = events.at(-1);
  assert.match(last.type, /^response\.(completed|incomplete|failed)$/);
  const failed = last.type === 'response.failed';
  const errors = events.filter(({ type }) => type === 'error');
  assert.equal(errors.length, failed ? 1 : 0);
  assert.equal(events.indexOf(errors[0]), failed ? events.length - 2 : -1);

  const output: Json[] = [];
  let open: Json;
  let part: Json;
  for (const event of events.slice(2, failed ? -2 : -1)) {
    const kind = event.type.replace('response.', '');
    if (kind === 'output_item.added') {
      assert.equal(open, undefined, 'items come one after another');
      assert.equal(event.output_index, output.length);
      assert.equal(event.item.status, 'in_progress');
      open = structuredClone(event.item);
      output.push(open);
      continue;
    }
    assert.equal(event.output_index, output.length - 1);
    assert.ok(open, `${kind} inside an item`);
    if (kind === 'output_item.done') {
      const { status } = event.item;
      assert.ok(status === 'completed' || status === 'incomplete');
      // A failure may leave a part open: the item is closed as it stands.
      // What only the model's server can read comes with the whole item alone.
      if (open.type === 'reasoning' && event.item.encrypted_content) {
        open.encrypted_content = event.item.encrypted_content;
      }
      assert.deepEqual({ ...open, status }, event.item);
      open.status = status;
      open = undefined;
      part = undefined;
      continue;
    }
    assert.equal(event.item_id, open.id);
    if (kind === 'content_part.added') {
      assert.equal(part, undefined, 'parts come one after another');
      assert.equal(event.content_index, open.content.length);
      part = structuredClone(event.part);
      open.content.push(part);
    } else if (kind === 'reasoning_summary_part.added') {
      assert.equal(part, undefined, 'parts come one after another');
      assert.equal(event.summary_index, open.summary.length);
      part = structuredClone(event.part);
      open.summary.push(part);
    } else if (kind === 'content_part.done' || kind === 'reasoning_summary_part.done') {
      assert.deepEqual(part, event.part);
      part = undefined;
    } else if (kind === 'reasoning_summary_text.delta' || kind === 'reasoning_summary_text.done') {
      assert.equal(part?.type, 'summary_text');
      assert.equal(event.summary_index, open.summary.length - 1);
      if (kind.endsWith('delta')) part.text += event.delta;
      else assert.equal(event.text, part.text);
    } else if (kind === 'output_text.annotation.added') {
      assert.equal(part?.type, 'output_text');
      assert.equal(event.content_index, open.content.length - 1);
      assert.equal(event.annotation_index, part.annotations.length);
      part.annotations.push(event.annotation);
    } else if (kind === 'custom_tool_call_input.delta') {
      assert.equal(open.type, 'custom_tool_call');
      open.input += event.delta;
    } else if (kind === 'custom_tool_call_input.done') {
      assert.equal(event.input, open.input);
    } else if (kind === 'function_call_arguments.delta') {
      assert.equal(open.type, 'function_call');
      open.arguments += event.delta;
    } else if (kind === 'function_call_arguments.done') {
      if (open.arguments === '' && event.arguments === '{}') open.arguments = '{}';
      assert.equal(event.arguments, open.arguments);
      assert.equal(event.name, open.name);
    } else {
      const [, name, phase] = /^(output_text|refusal|reasoning_text)\.(delta|done)$/.exec(kind) ?? assert.fail(kind);
      const field = name === 'refusal' ? 'refusal' : 'text';
      assert.equal(part?.type, name);
      assert.equal(event.content_index, open.content.length - 1);
      if (phase === 'delta') part[field] += event.delta;
      else assert.equal(event[field], part[field]);
    }
  }
  assert.equal(open, undefined, 'every item is done');
  const { status, completed_at, error, incomplete_details, usage, service_tier } = last.response;
  const ending = { status, completed_at, error, incomplete_details, usage, service_tier };
  const response = { ...created.response, output, ...ending };
  assert.deepEqual(response, last.response);
  assert.equal(status, last.type.replace('response.', ''));
  assert.equal(completed_at !== null, status === 'completed');
  assert.equal(error !== null, status === 'failed');
  assert.equal(incomplete_details !== null, status === 'incomplete');
  return { events, response, terminal: last.response };
}

/** A response with its ids numbered and its times zeroed, so that two of the same making are equal. */
export function normalised(response: Json): Json {
  const names = new Map<string, string>();
  const text = JSON.stringify({ ...response, created_at: 0, completed_at: response.completed_at === null ? null : 0 });
  return JSON.parse(
    text.replace(/\b(resp|msg|rs|fc|ctc|call)_[\da-f]{48}\b/g, (id) => {
      const name = names.get(id) ?? `id-${names.size}`;
      names.set(id, name);
      return name;
    }),
  );
}
