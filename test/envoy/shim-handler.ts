import { setTimeout as sleep } from 'node:timers/promises';
import type { Fetch } from '../../shim/session.ts';

/** The requests that a handler has been given, and a way to wait for the next one. */
export class CallLog {
  length = 0;
  #wake = (_: Request) => {};

  add(request: Request): void {
    this.length++;
    this.#wake(request);
  }

  next(): Promise<Request> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The request behind a reply, once that has come. */
  async having(reply: Promise<unknown>): Promise<Request> {
    const [request] = await Promise.all([this.next(), reply]);
    return request;
  }
}

const COOKIES: [string, string][] = [
  ['set-cookie', 'a=1'],
  ['set-cookie', 'b=2'],
];

/** A handler that knows nothing of Antiphon: the shim serves any. */
export function handler(calls: CallLog): Fetch {
  return async (request) => {
    calls.add(request);
    const { pathname, search, searchParams: ask } = new URL(request.url);
    if (pathname === '/throw') throw new Error('secret');
    if (pathname === '/hang') return new Promise<Response>(() => {});
    if (pathname === '/slow') await sleep(Number(ask.get('ms')));
    if (pathname === '/large') return new Response(new Uint8Array(Number(ask.get('size'))));
    if (pathname.startsWith('/status/')) return new Response(null, { status: Number(pathname.slice(8)) });
    if (pathname === '/live') {
      const body = live(Number(ask.get('n')), Number(ask.get('gap')), Number(ask.get('size')));
      return new Response(body, { headers: [['content-type', 'text/event-stream'], ...COOKIES] });
    }
    const body = await request.text();
    const text = body.length < 100 ? body : undefined;
    const type = request.headers.get('content-type');
    return Response.json(
      { method: request.method, path: pathname + search, type, text, size: body.length },
      { headers: COOKIES },
    );
  };
}

function live(count: number, gap: number, size: number): ReadableStream<Uint8Array> {
  let sentCount = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (sentCount > 0 && gap > 0) await sleep(gap);
        if (sentCount === count) return controller.close();
        controller.enqueue(Buffer.from(`data: ${sentCount++}${'x'.repeat(size)}\n\n`));
      },
    },
    { highWaterMark: 0 },
  );
}
