import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AdminAnswer } from '../admin.ts';
import { Refusal } from '../refusal.ts';
import { mergeMetrics } from './merge-metrics.ts';

/** How long a process may take to answer, in milliseconds; it answers in some. */
const LIMIT_MS = 2_000;

const HEADERS = { 'cache-control': 'no-store' };

/** What the admin listener of a process has answered. */
interface Answer {
  status: number;
  type: string;
  body: string;
}

/**
 * What one admin listener answers for several processes, by path. Given are the sockets of their own, by their numbers. `/readyz` is
 * ready while any of them is, and notes `process` while one is not; the metrics of each have the label `process`.
 */
export function adminRoutes(sockets: ReadonlyMap<number, string>): Map<string, AdminAnswer> {
  const askAll = (path: string) =>
    Promise.all([...sockets].map(async ([number, socket]) => ({ number, answer: await ask(socket, path) })));
  return new Map<string, AdminAnswer>([
    ['/livez', () => Response.json({ status: 'ok' }, { headers: HEADERS })],
    ['/readyz', async () => readinessOf((await askAll('/readyz')).map(({ answer }) => answer))],
    [
      '/metrics',
      async () => {
        const answers = await askAll('/metrics');
        const texts = new Map(
          answers.flatMap(({ number, answer }) => (answer?.status === 200 ? [[number, answer.body]] : [])),
        );
        const [first] = answers.flatMap(({ answer }) => answer ?? []);
        if (!first) return noProcess();
        if (texts.size === 0) return replyOf(first);
        return new Response(mergeMetrics(texts), { headers: { ...HEADERS, 'content-type': first.type } });
      },
    ],
    [
      '/config',
      async () => {
        const [first] = (await askAll('/config')).flatMap(({ answer }) => answer ?? []);
        return first ? replyOf(first) : noProcess();
      },
    ],
  ]);
}

/** Ready while one of them is: the others are started again, or end. */
function readinessOf(answers: readonly (Answer | undefined)[]): Response {
  const told = answers.map((answer): { reasons?: string[]; notes?: string[] } =>
    answer ? JSON.parse(answer.body) : { reasons: ['process'] },
  );
  const unready = told.filter(({ reasons }) => reasons);
  const notes = new Set(told.flatMap(({ notes = [] }) => notes));
  if (unready.length < told.length) {
    if (unready.length > 0) notes.add('process');
    return Response.json({ status: 'ready', ...noted(notes) }, { headers: HEADERS });
  }
  const reasons = [...new Set(unready.flatMap(({ reasons = [] }) => reasons))];
  return Response.json({ status: 'unready', reasons, ...noted(notes) }, { status: 503, headers: HEADERS });
}

function noted(notes: ReadonlySet<string>): { notes?: string[] } {
  return notes.size > 0 ? { notes: [...notes] } : {};
}

function noProcess(): Response {
  return new Refusal(503, 503, 'No process answers.').toResponse();
}

function replyOf({ status, type, body }: Answer): Response {
  return new Response(body, { status, headers: { ...HEADERS, 'content-type': type } });
}

/** What a process answers; undefined if it does not, in time. */
function ask(socketPath: string, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const get = request({ socketPath, path, headers: { host: 'localhost' }, timeout: LIMIT_MS }, async (reply) => {
      const body = await text(reply).catch(() => undefined);
      const { statusCode: status = 0, headers } = reply;
      resolve(body === undefined ? undefined : { status, type: headers['content-type'] ?? '', body });
    });
    get.on('timeout', () => get.destroy()).on('error', () => resolve(undefined));
    get.end();
  });
}
