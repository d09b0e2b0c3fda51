import type { Language } from './ask.ts';
import type { Entrant, Question } from './compare.ts';
import { CONNECTIONS, type Plan, SHAPES } from './plan.ts';
import { LABELS, type Servers, type Subject } from './servers.ts';

const TURN_DOORS = ['http', 'routed', 'traced', 'streamed', 'buffered', 'bare', 'floor'] as const;
const STREAM_DOORS = ['http', 'routed', 'streamed', 'buffered', 'processor', 'floor'] as const;

/** The comparisons of a run, by name. */
export function questionsOf({ subjects, peers }: Servers, plan: Plan): Record<'turn' | 'bursts' | 'tokens', Question> {
  const enter = (subject: Subject, language: Language): Entrant => ({
    name: subject.name,
    label: LABELS[subject.name],
    subject,
    language,
  });
  const entrant = (name: keyof typeof subjects, language: Language) => enter(subjects[name], language);
  const { rounds, repeats } = plan;
  const direct = entrant('mock', 'chat stream');
  const json = { ...entrant('mock', 'chat'), name: 'json', label: `${LABELS.mock}, not streamed` };
  const streams = [direct, ...STREAM_DOORS.map((name) => entrant(name, 'responses stream'))];
  return {
    turn: {
      title: 'JSON turn',
      unit: 'requests',
      entrants: [
        ...[direct, json],
        ...TURN_DOORS.map((name) => entrant(name, 'responses')),
        ...peers.map((peer) => enter(peer, 'responses')),
      ],
      shape: SHAPES.turn,
      connections: CONNECTIONS.turn,
      rounds,
      repeats,
      seconds: plan.turn,
    },
    bursts: {
      title: 'Streams, the model writing each reply at once',
      unit: 'text deltas',
      entrants: streams,
      shape: SHAPES.bursts,
      connections: CONNECTIONS.stream,
      rounds,
      repeats,
      seconds: plan.bursts,
    },
    tokens: {
      title: 'Streams, the model writing each delta by itself',
      unit: 'text deltas',
      // The plain upstream would write its reply at once.
      entrants: streams.filter(({ name }) => name !== 'floor'),
      shape: SHAPES.tokens,
      connections: CONNECTIONS.stream,
      rounds,
      repeats,
      seconds: plan.tokens,
    },
  };
}
