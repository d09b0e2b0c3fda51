import { type Config, type Gauges, keepSecret, log, type TelemetrySlot } from '../../handler/index.ts';
import type { TelemetrySettings } from '../../handler/otlp/settings.ts';
import { headerSecrets } from '../../handler/otlp/target.ts';
import type { ReloadCounts } from '../../handler/telemetry/index.ts';
import type { Sdk } from './sdk.ts';

/** The traces and metrics of a product. */
export interface ProductTelemetry {
  /** Answers `/metrics`; undefined where metrics are not to be scraped. */
  scrape: (() => Promise<Response>) | undefined;
  /** Hands over what has not been sent, in a bounded time. Never rejects. */
  close(): Promise<void>;
}

/** What a product tells. */
export interface ToldProduct {
  slot: TelemetrySlot;
  config: Config['telemetry'];
  gauges: () => Promise<Gauges>;
  /** Lines of the log that could not be written. */
  droppedLines?: (() => number) | undefined;
  reloads?: (() => ReloadCounts) | undefined;
  /** Events that the audit log lacks; undefined where there is none. */
  lostEvents?: (() => number) | undefined;
}

const HEADERS = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' };

/** Fills the slot as the settings say, at once or when metrics are first scraped; what is not asked for is not loaded. */
export async function startTelemetry(settings: TelemetrySettings, told: ToldProduct): Promise<ProductTelemetry> {
  for (const value of headerSecrets(process.env)) keepSecret(value);
  for (const unused of settings.unused) log.warn('a variable has no effect', { variable: unused });
  const { traces, metrics, scrape } = settings;
  const isOn = traces !== undefined || metrics !== undefined || scrape === 'start';
  const sdks: Sdk[] = isOn ? [await openSdk(settings)] : [];
  if (sdks[0]) await fill(told, sdks[0].tracer, sdks[0].meter);
  const onDemand = async () => {
    const sdk = await openSdk({ ...settings, traces: undefined, metrics: undefined, scrape: 'start' });
    await fill(told, sdks[0]?.tracer, sdk.meter);
    sdks.push(sdk);
    return sdk;
  };
  let scraped: Promise<Sdk> | undefined = scrape === 'start' && sdks[0] ? Promise.resolve(sdks[0]) : undefined;
  return {
    scrape:
      scrape === 'never'
        ? undefined
        : async () => {
            scraped ??= onDemand().catch((error) => {
              scraped = undefined; // the next one tries again
              throw error;
            });
            return new Response(await (await scraped).scrape?.(), { headers: HEADERS });
          },
    async close() {
      await Promise.all(sdks.map((sdk) => sdk.close()));
    },
  };
}

async function openSdk(settings: TelemetrySettings): Promise<Sdk> {
  const [{ openSdk }, { sparingly }] = await Promise.all([import('./sdk.ts'), import('../../handler/otlp/warn.ts')]);
  return openSdk(settings, sparingly());
}

async function fill(
  { slot, config, gauges, droppedLines, reloads, lostEvents }: ToldProduct,
  tracer: Sdk['tracer'],
  meter: Sdk['meter'],
) {
  const { observeGauges, openTelemetry } = await import('../../handler/telemetry/index.ts');
  if (meter) observeGauges(meter, gauges, { droppedLines, reloads, lostEvents });
  slot.current = openTelemetry({ tracer, meter, ...config });
}
