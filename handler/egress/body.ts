import { EgressError, type OutgoingBody } from './egress.ts';

/** What a body is read within. */
interface BodyBounds {
  maxBytes: number;
  /** Milliseconds of silence, of whoever it is that is waited for. */
  timeout: number;
  /** Ends it with its reason. */
  signal: AbortSignal;
  /** Called once when it has ended, however it did. */
  end(): void;
}

/** A body as a stream within its bounds, past which it fails with an EgressError and is closed. */
export function bodyStream(body: OutgoingBody, bounds: BodyBounds): ReadableStream<Uint8Array> {
  const { maxBytes, timeout, signal } = bounds;
  let [left, isOpen] = [maxBytes, true];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array>;

  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    body.close();
    bounds.end();
  };
  const fail = (error: unknown) => {
    if (!isOpen) return;
    close();
    controller.error(error);
  };
  const abort = () => fail(signal.reason);
  const tooLarge = () => new EgressError('too_large', `The reply is larger than ${maxBytes} bytes.`);
  const listen = () => {
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(fail, timeout, new EgressError('timeout', 'The reply stopped for too long.'));
  };

  return new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
        signal.addEventListener('abort', abort);
        listen();
      },
      async pull() {
        if (left < 0) return fail(tooLarge());
        listen();
        try {
          const bytes = await body.read();
          if (!isOpen) return;
          listen();
          if (bytes === undefined) {
            close();
            controller.close();
            return;
          }
          const before = left;
          left -= bytes.length;
          if (left >= 0) controller.enqueue(bytes);
          else if (before === 0) fail(tooLarge());
          else {
            // Whoever wants no more than these has them; the next read fails.
            body.close();
            controller.enqueue(bytes.subarray(0, before));
          }
        } catch (error) {
          fail(error instanceof EgressError ? error : new EgressError('broken', 'The reply broke off.', error));
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
