import { ConfigError, checkAdded, keepSecrets, openModels, sentenceOf, type Transport } from '../handler/index.ts';
import { askBackends, type BackendReport, IN_CONFIG, IN_ENVIRONMENT, subjectOf, urlOf } from './backends/ask.ts';
import { SKIPPED, TRIALS, type Trial, tryModel, type Verdict } from './backends/calls.ts';
import { nameToTry } from './backends/names.ts';
import { table } from './backends/plain.ts';
import { recordTransport } from './backends/record-transport.ts';
import { unreachable } from './backends/unreachable.ts';
import { DEFAULT_DATABASE, kindOf } from './database.ts';
import type { Description } from './databases/kind.ts';
import type { Env } from './default-models.ts';
import { programFile, readProgram } from './program-file.ts';
import { readSetup, type Setup } from './setup.ts';
import { createTransport } from './transport.ts';

/** Exit codes of `check`. */
const [WELL, MISCONFIGURED, UNWELL] = [0, 1, 2];

/** One entry of `models`, and how the calls to it went. */
interface ModelTrials {
  report: BackendReport;
  /** The name that was tried; undefined for none. */
  model: string | undefined;
  verdicts: Record<Trial, Verdict>;
}

/** Of a model whose server did not answer another one. */
const SILENT: Verdict = { result: 'no', says: 'not tried, since its server did not answer another model in time' };

const NOT_TRIED: Record<Trial, Verdict> = { answer: SKIPPED, stream: SKIPPED, tools: SKIPPED, schema: SKIPPED };

/**
 * Prints every mistake in a configuration, and then how real calls to each of its models went. Gives 0 if all is well, 1 for a
 * mistake in the configuration, 2 if something did not work with a model or with the server of the database. It opens no listener and no
 * file of a database, and changes nothing.
 */
export async function check(file: string | undefined, env: Env, print: (text: string) => void): Promise<number> {
  let setup: Setup;
  try {
    setup = await readSetup({ file, env }, {});
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return MISCONFIGURED;
  }
  keepSecrets(setup.config);
  const program = await checkProgram(file, setup);
  if (program.isWrong) {
    print(program.text);
    return MISCONFIGURED;
  }
  if (program.text) print(program.text);
  const { models } = setup;
  const lost = new ConfigError(unreachable(models));
  if (lost.problems.length > 0) print(setup.file?.locate(lost).message ?? lost.problems.map(sentenceOf).join('\n'));
  else print(file === undefined ? `Models: ${setup.from}.` : `${file}: no mistakes`);
  const { transport, close } = createTransport();
  const [tried, described] = await Promise.all([tryAll(setup, transport), describeDatabase(setup)]);
  await close();
  print(`\n${tableOf(tried)}`);
  const well = described.filter(({ isWrong }) => !isWrong);
  if (well.length > 0) print(`\n${well.map(({ text }) => text).join('\n')}`);
  const wrong = [
    ...new Set(tried.flatMap(wrongIn)),
    ...described.flatMap((line) => (line.isWrong ? [`! ${line.text}`] : [])),
  ];
  if (wrong.length > 0) print(`\n${wrong.join('\n')}`);
  if (lost.problems.length > 0) return MISCONFIGURED;
  return wrong.length > 0 ? UNWELL : WELL;
}

/** Runs the program's file beside a configuration's; says what is wrong with it, or that nothing is. */
async function checkProgram(config: string | undefined, setup: Setup): Promise<{ text: string; isWrong: boolean }> {
  const file = programFile(config);
  if (file === undefined) return { text: '', isWrong: false };
  try {
    const program = await readProgram(config);
    checkAdded(setup.config, program);
    return { text: `${file}: no mistakes`, isWrong: false };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isWrong: true };
  }
}

async function describeDatabase({ config: { database = DEFAULT_DATABASE, processes } }: Setup): Promise<Description[]> {
  return (await kindOf(database).describe?.(database, processes)) ?? [];
}

/** Tries every entry: all servers at once, and the models of one server one after the other, since it may have room for one. */
async function tryAll({ config, models }: Setup, transport: Transport): Promise<ModelTrials[]> {
  const reports = await askBackends(models, transport, config.models ? IN_CONFIG : IN_ENVIRONMENT);
  const busy = new Map<string, Promise<boolean>>();
  return Promise.all(
    reports.map(async (report): Promise<ModelTrials> => {
      const { model, index, names = [] } = report;
      const name = nameToTry(models, index, names);
      const untried = { report, model: name, verdicts: NOT_TRIED };
      // Whose list was refused or is not there may answer all the same; who is not there does not.
      if ('keys' in model || model.url === undefined || name === undefined || report.isDead) return untried;
      const asked = JSON.stringify([model.url, model.key]);
      const wire = recordTransport(transport);
      const [server] = openModels({ models: [model], errorDetail: true }, wire.transport).routes[0]?.servers ?? [];
      if (!server) return untried;
      const before = busy.get(asked) ?? Promise.resolve(true);
      const trying = before.then(async (answers) =>
        answers
          ? tryModel({ ...server, model: server.name ?? name, exchanges: wire.exchanges })
          : { ...NOT_TRIED, answer: SILENT },
      );
      busy.set(
        asked,
        trying.then(({ answer, stream }) => answer.result === 'yes' || stream !== SKIPPED),
      );
      return { ...untried, verdicts: await trying };
    }),
  );
}

function tableOf(tried: readonly ModelTrials[]): string {
  const rows = tried.map(({ report, model, verdicts }) => [
    report.model.match,
    report.model.backend,
    model ?? '-',
    listVerdict(report),
    ...TRIALS.map((trial) => verdicts[trial].result),
    urlOf(report) || report.came,
  ]);
  return table([['match', 'backend', 'model', 'list', ...TRIALS, 'URL'], ...rows]);
}

function listVerdict({ names, warning, model }: BackendReport): Verdict['result'] {
  if ('keys' in model || model.url === undefined) return '-';
  return names && !warning ? 'yes' : 'no';
}

/** A line for each thing that did not work with an entry. */
function wrongIn({ report, model, verdicts }: ModelTrials): string[] {
  const about = (what: string) => `! ${subjectOf(report)}${model === undefined ? '' : ` ${model}`}: ${what}`;
  const lines = report.warning ? [`! ${subjectOf(report)} ${report.warning}`] : [];
  if (model === undefined && !report.names && !report.isDead && urlOf(report)) {
    lines.push(about('nothing was tried, since no model is known: name one in match'));
  }
  for (const trial of TRIALS) {
    const { result, says } = verdicts[trial];
    if (result === 'no') lines.push(about(`${trial}: ${says}`));
  }
  return lines;
}
