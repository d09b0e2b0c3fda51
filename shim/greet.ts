import { setTimeout as sleep } from 'node:timers/promises';
import { redact } from '../handler/index.ts';
import { type BackendReport, subjectOf, urlOf } from './backends/ask.ts';
import { logReports, lostIn } from './backends/log-reports.ts';
import { isShellSafe, nameToTry } from './backends/names.ts';
import { table } from './backends/plain.ts';
import { isTcp } from './listeners.ts';
import type { Served } from './serve.ts';
import { socketPathOf } from './unix-socket.ts';

/** How long the examples wait for the lists of the model servers, whose models they name, in milliseconds. */
const LISTS_MS = 1_000;

/** Where messages go. */
export interface Greeting {
  /** Writes lines for people. */
  say(lines: string): void;
  /** Whether the product stops, so that nothing more is to be told. */
  isOver(): boolean;
  /** Whether people read them on a terminal: they get a table. */
  isTerminal: boolean;
  /** Whether the log goes to the same terminal, and need not say it again. */
  isLogTerminal: boolean;
}

/**
 * Says what has started, what the model servers list, and how to try it. It waits a second at most for the lists; those that
 * come later are told when they come.
 */
export async function greet(product: Served, { say, isOver, isTerminal, isLogTerminal }: Greeting): Promise<void> {
  const { listen, http, from, store, model, envoy } = product;
  say(`
Antiphon is ready. Models: ${from}.
  responses in    ${redact(store)}
  through Envoy   ${envoy ? `${envoy.origin}, its admin: --unix-socket ${envoy.adminSocket} http://localhost/` : '(not started)'}
  HTTP            ${http ?? listen.http}
  ext_proc        ${listen.grpc}
  admin           ${isTcp(listen.admin) ? `http://${listen.admin}/readyz` : listen.admin}
`);
  const tell = (reports: readonly BackendReport[]) => {
    if (isOver()) return;
    if (isTerminal) say(`${tableOf(reports)}\n`);
    if (!(isTerminal && isLogTerminal)) logReports(reports);
  };
  const asked = product.askBackends();
  const soon = await Promise.race([asked, sleep(LISTS_MS, undefined, { ref: false })]);
  if (soon) tell(soon);
  const origin = originOf(product);
  if (!origin || isOver()) return soon ? undefined : tell(await asked);
  say(examples(origin, namedBy(soon ?? []) ?? (model !== undefined && isShellSafe(model) ? model : 'MODEL')));
  if (!soon) tell(await asked);
}

/** The first model that is really there, and that a shell takes for a word. */
function namedBy(reports: readonly BackendReport[]): string | undefined {
  const models = reports.map((report) => report.model);
  for (const { index, names = [], warning } of reports) {
    const name = warning ? undefined : nameToTry(models, index, names.filter(isShellSafe));
    if (name !== undefined && isShellSafe(name)) return name;
  }
  return undefined;
}

/** The table of all backends, with a line for each thing that is wrong. */
function tableOf(reports: readonly BackendReport[]): string {
  const rows = reports.map((report) => [report.model.match, report.model.backend, urlOf(report), report.came]);
  const warnings = reports.flatMap((report) => (report.warning ? [`! ${subjectOf(report)} ${report.warning}`] : []));
  const lost = lostIn(reports).map((sentence) => `! ${sentence}`);
  return [table([['match', 'backend', 'URL', 'what its server lists'], ...rows]), ...warnings, ...lost].join('\n');
}

function originOf({ listen, http, envoy }: Served): string | undefined {
  const socket = socketPathOf(listen.http);
  return envoy?.origin ?? http ?? (socket && `--unix-socket ${socket} http://localhost`);
}

function examples(origin: string, model: string): string {
  const body = (rest: object) => JSON.stringify({ model, input: 'Say hello.', ...rest });
  const post = `${origin}/v1/responses -H 'content-type: application/json' -d`;
  return `Try it:
  curl ${post} '${body({})}'
  curl -N ${post} '${body({ stream: true })}'
  curl ${origin}/v1/models
`;
}
