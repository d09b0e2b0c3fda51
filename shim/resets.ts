import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { fixedLimits } from '../handler/index.ts';

type ResetLimits = Readonly<Record<'resets' | 'resetsPerSecond', number>>;

/**
 * Closes a connection whose peer keeps resetting streams before they are answered, and calls `onExcess`: each reset costs us
 * a request and the peer nothing. Envoy resets every stream after its answer as well; those do not count.
 */
export function guardResets(server: Http2Server, onExcess: () => void, limits: ResetLimits = fixedLimits): void {
  server.on('session', (session: ServerHttp2Session) => {
    const isWithin = counter(limits);
    session.on('stream', (stream: ServerHttp2Stream) => {
      stream.once('close', () => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR || stream.headersSent || session.destroyed) return;
        if (isWithin()) return;
        onExcess();
        session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
        session.destroy();
      });
    });
  });
}

/** Leaky bucket: whether a reset is within what a crowd of leaving clients causes, at once and per second. */
function counter({ resets, resetsPerSecond }: ResetLimits): () => boolean {
  let level = 0;
  let at = performance.now();
  return () => {
    const now = performance.now();
    level = Math.max(0, level - ((now - at) / 1000) * resetsPerSecond) + 1;
    at = now;
    return level <= resets;
  };
}
