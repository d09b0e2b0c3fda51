import { eventTypes } from '../../handler/events/event-types.ts';
import { type Entry, not, shown } from './entry.ts';
import { type Topic, type TopicId, topics } from './not-supported.ts';
import { surfaceRows } from './surface.ts';

const W = 'websocket';
const never = Object.entries<Topic>(topics).map(([topic, { events = [] }]) => ({ topic, events }));
/** Sent over a WebSocket as over HTTP, by what stands between the two. */
const official = new Set(surfaceRows().flatMap(({ group, name }) => (group === W ? [name] : [])));
const sent = eventTypes.filter(
  (type) =>
    official.has(type) &&
    type !== 'error' &&
    type !== 'response.queued' &&
    !never.some(({ events }) => events.includes(type)),
);

/** What goes over a WebSocket. */
export const websocketRows: readonly Entry[] = [
  shown(W, '', 'response.create', 'websocket.create', 'websocket.client'),
  shown(W, '', 'response.steer response.steer.failed', 'websocket.steer'),
  shown(W, '', 'error', 'websocket.errors'),
  shown(W, '', sent.join(' '), 'websocket.create'),
  not(W, '', 'response.queued response.steer.accepted response.steer.pending', 'websocket'),
  ...never.map(({ topic, events }) => not(W, '', events.join(' '), topic as TopicId)), // the keys are its ids
];
