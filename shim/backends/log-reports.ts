import { log, sentenceOf } from '../../handler/index.ts';
import { type BackendReport, urlOf } from './ask.ts';
import { unreachable } from './unreachable.ts';

/** Logs a line for each entry of `models`, and one for each that is never reached. */
export function logReports(reports: readonly BackendReport[]): void {
  for (const report of reports) {
    const { model, came, names, warning } = report;
    const told = { match: model.match, backend: model.backend, url: urlOf(report) || undefined, came };
    if (warning) log.warn('a model backend is not as it is configured', { ...told, warning });
    else log.info('a model backend', { ...told, ...(names && { models: names.length }) });
  }
  for (const warning of lostIn(reports)) log.warn('an entry of the configuration is never reached', { warning });
}

/** A sentence for each entry that is never reached. */
export function lostIn(reports: readonly BackendReport[]): string[] {
  return unreachable(reports.map(({ model }) => model)).map(sentenceOf);
}
