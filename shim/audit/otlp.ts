import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../../handler/index.ts';
import { post } from '../../handler/otlp/post.ts';
import { targetOf } from '../../handler/otlp/target.ts';
import { pairsOf, textOf, type Variables } from '../../handler/otlp/variables.ts';
import { FIRST, hashOf, lineOf } from './line.ts';

/** INFO, as OpenTelemetry numbers severities. */
const INFO = 9;

/**
 * Sends events as log records over OTLP, in JSON, to where the variables `OTEL_EXPORTER_OTLP_LOGS_*` say. Each record's body is the line
 * that a file would have; the chain is this process's own, which `service.instance.id` names. Throws an Error that names a wrong variable.
 */
export function auditOverOtlp(variables: Variables): (events: readonly AuditEvent[]) => Promise<void> {
  const target = targetOf('LOGS', 'http/json', variables);
  const resource = { attributes: attributesOf(resourceOf(variables)) };
  let previous = FIRST;
  return async (events) => {
    let hash = previous;
    const logRecords = events.map((event) => {
      const line = lineOf(event, hash);
      hash = hashOf(line);
      return {
        timeUnixNano: `${BigInt(timeOf(event)) * 1_000_000n}`,
        observedTimeUnixNano: `${BigInt(Date.now()) * 1_000_000n}`,
        severityNumber: INFO,
        severityText: 'INFO',
        eventName: `antiphon.audit.${event.action}`,
        body: { stringValue: line },
        attributes: attributesOf({ 'antiphon.audit.action': event.action, 'antiphon.tenant': event.tenant }),
      };
    });
    const scopeLogs = [{ scope: { name: 'antiphon.audit' }, logRecords }];
    await post(target, new TextEncoder().encode(JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] })));
    previous = hash; // not before: what was not taken is sent once more
  };
}

/** Who is telling, as for traces and metrics. */
function resourceOf(variables: Variables): Record<string, string> {
  const service = textOf(variables, 'OTEL_SERVICE_NAME');
  return {
    'service.name': 'antiphon',
    'service.instance.id': randomUUID(),
    ...Object.fromEntries(pairsOf(textOf(variables, 'OTEL_RESOURCE_ATTRIBUTES'))),
    ...(service !== undefined && { 'service.name': service }),
  };
}

/** When an event was, in milliseconds since 1970: the queue gives each its time. */
function timeOf(event: object): number {
  return 'time' in event ? Date.parse(String(event.time)) : Date.now();
}

function attributesOf(values: Record<string, string | undefined>): object[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: { stringValue: value } }],
  );
}
