import { openOtlp } from 'antiphon/telemetry';
import { type Bindings, type Context, createWorker } from 'antiphon/worker';

/** What wrangler.toml binds, and a secret beside it: `npx wrangler secret put API_KEYS`, with a space between them. */
type Env = Bindings & { API_KEYS: string };

function callerOf(request: Request): string {
  return request.headers.get('authorization') ?? 'nobody';
}

const { worker, BackgroundTurn } = createWorker({
  identify: (request) => ({ id: callerOf(request) }),
  telemetry: openOtlp, // traces and metrics, once OTEL_EXPORTER_OTLP_ENDPOINT is set
});

export default {
  ...worker,

  /** Lets in whoever has a key, and has the handler answer. */
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const keys = env.API_KEYS.split(' ').map((key) => `Bearer ${key}`);
    if (keys.includes(callerOf(request))) return worker.fetch(request, env, context);
    const error = {
      message: 'Incorrect API key.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    };
    return Response.json({ error }, { status: 401 });
  },
};

export { BackgroundTurn }; // makes background turns, as wrangler.toml binds it
