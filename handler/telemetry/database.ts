import { type Context, SpanKind, type Tracer } from '@opentelemetry/api';
import { statementsOf, withBatch } from '../state/database/batch.ts';
import type { Batch, Database, Rows } from '../state/database/database.ts';
import type { Instruments } from './instruments.ts';
import { own, stable } from './names.ts';
import { errorType, failSpan, startSpan } from './spans.ts';

/** What the conventions call a database that they have no name for. */
const OTHER_SYSTEM = 'other_sql';

/** The first word of a statement. */
const VERB = /^\s*([A-Za-z]+)/;

/** What a batch does, as the conventions name it: `SELECT`, `BATCH INSERT`, or `BATCH` for statements of several kinds. */
function operationOf(batch: Batch): { name: string; size: number } {
  const statements = statementsOf(batch);
  const verbs = new Set(statements.map(({ text }) => VERB.exec(text)?.[1]?.toUpperCase()));
  const [verb, another] = verbs;
  const size = statements.length;
  if (verb === undefined || another !== undefined) return { name: 'BATCH', size };
  return { name: size === 1 ? verb : `BATCH ${verb}`, size };
}

/** Runs a batch, and tells how many milliseconds it took, and why it failed. */
async function timed<B extends Batch>(
  database: Database,
  batch: B,
  tell: (took: number, failure: unknown) => void,
): Promise<Rows<B>> {
  const begun = performance.now();
  let failure: unknown;
  try {
    return await database.batch(batch);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    tell(performance.now() - begun, failure);
  }
}

/** Runs a batch, and measures it. */
export function measureBatch<B extends Batch>(
  database: Database,
  batch: B,
  { histograms }: Instruments,
): Promise<Rows<B>> {
  return timed(database, batch, (took, failure) => {
    histograms.databaseDuration.record(took / 1000, {
      [stable.dbSystem]: database.system ?? OTHER_SYSTEM,
      [stable.dbOperation]: operationOf(batch).name,
      ...(failure !== undefined && { [stable.errorType]: errorType(failure) }),
    });
  });
}

/** A database whose batches are spans below `parent` where they take `slow` milliseconds or more, or fail. */
export function withSlowSpans(database: Database, tracer: Tracer, parent: Context, slow: number): Database {
  return withBatch(
    database,
    (inner) => (batch) =>
      timed(inner, batch, (took, failure) => {
        if (took < slow && failure === undefined) return;
        const { name, size } = operationOf(batch);
        const attributes = {
          [stable.dbSystem]: database.system ?? OTHER_SYSTEM,
          [stable.dbOperation]: name,
          ...(size > 1 && { [stable.dbBatchSize]: size }),
          [own.statements]: Object.keys(batch).join(' '),
        };
        const startTime = Date.now() - took;
        const { span } = startSpan(tracer, name, { kind: SpanKind.CLIENT, attributes, startTime }, parent);
        if (failure !== undefined) failSpan(span, failure);
        span.end(startTime + took);
      }),
  );
}
