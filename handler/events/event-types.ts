import { kinds } from '../items/index.ts';
import type { OwnEvent, ResponseEvent } from './events.ts';

/** Event types that no item kind declares. A missing one does not compile. */
const others = {
  error: true,
  'response.audio.delta': true,
  'response.audio.done': true,
  'response.audio.transcript.delta': true,
  'response.audio.transcript.done': true,
  'response.completed': true,
  'response.created': true,
  'response.failed': true,
  'response.in_progress': true,
  'response.incomplete': true,
  'response.output_item.added': true,
  'response.output_item.done': true,
  'response.queued': true,
  'response.shell_call_output_content.delta': true,
  'response.shell_call_output_content.done': true,
} as const satisfies Record<Exclude<ResponseEvent, OwnEvent>['type'], true>;

const own = Object.values(kinds).flatMap((kind) => ('stream' in kind ? Object.keys(kind.stream.fold) : []));

/** All event types of a response stream, sorted. */
export const eventTypes: readonly string[] = [...new Set([...Object.keys(others), ...own])].sort();
