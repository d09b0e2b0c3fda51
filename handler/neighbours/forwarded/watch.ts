import type { Forward, ForwardedEvent } from '../../backend/backend.ts';
import { describe, excerpt, isLogged, log } from '../../log.ts';
import type { ForwardingServer } from '../../routing/models.ts';
import type { RequestLog } from '../../service/request-log.ts';
import type { Endpoint } from './endpoint.ts';

/** Passes requests on to a server, which are logged at the level `debug`, and told as parts of the request's activity. */
export function watchForwards(
  { activity, requestId }: Pick<RequestLog, 'activity' | 'requestId'>,
  { operation, path }: Pick<Endpoint, 'operation' | 'path'>,
) {
  return (server: ForwardingServer): Forward => {
    const logged = isLogged('debug') ? { ...server, forward: withLog(server, requestId, path) } : server;
    return activity ? activity.forward(logged, operation) : logged.forward;
  };
}

function withLog({ forward, address }: ForwardingServer, requestId: string, path: string): Forward {
  return (request) => {
    const { stream } = forward(request);
    const line = {
      request_id: requestId,
      path,
      model: excerpt(request.model, 200),
      backend: address.backend,
      url_host: address.urlHost ?? undefined,
    };
    return {
      async *stream(signal, options): AsyncGenerator<ForwardedEvent, void> {
        let bytes = 0;
        log.debug('a request is passed on', line);
        try {
          for await (const event of stream(signal, options)) {
            if (event.type === 'part') bytes += event.bytes.length;
            yield event;
          }
        } catch (error) {
          log.debug('a request that was passed on failed', { ...line, error: describe(error) });
          throw error;
        } finally {
          log.debug('a request that was passed on has ended', { ...line, bytes });
        }
      },
    };
  };
}
