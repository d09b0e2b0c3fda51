import { didYouMean, type ModelConfig, matcher, serversOf } from '../../handler/index.ts';
import { plain } from './plain.ts';

/** How many names are shown, how long each may be, and how many are compared with others. */
const [SHOWN, MAX_NAME, COMPARED] = [3, 60, 1_000];

/** Names of models that do not answer questions. */
const NO_CHAT =
  /embed|bge|minilm|rerank|whisper|tts|speech|audio|transcri|realtime|dall-e|image|sora|moderation|guard|ocr|davinci|babbage|instruct$/i;

/** Names that mean nothing to a shell. */
const SHELL_SAFE = /^[\w.:/@+][\w.:/@+-]{0,200}$/;

/** A list of models in some words. */
export function inWords(names: readonly string[]): string {
  if (names.length === 0) return 'no models';
  const shown = names.slice(0, SHOWN).map((name) => plain(name, MAX_NAME));
  const more = names.length - shown.length;
  const count = names.length === 1 ? '1 model' : `${names.length} models`;
  return `${count}: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What is wrong with an entry's `match` by its server's list; undefined for nothing. */
export function wrongMatch(match: string, names: readonly string[]): string | undefined {
  if (match.includes('*')) {
    if (names.length === 0) return 'lists no models; load one';
    return names.some(matcher(match)) ? undefined : `none of its models matches ${match}; it has ${inWords(names)}`;
  }
  if (isListed(match, names)) return undefined;
  return `does not list ${match}; it has ${inWords(names)}${plain(didYouMean(match, names.slice(0, COMPARED)), 2 * MAX_NAME)}`;
}

/**
 * The name of an entry's model that a call is tried with: its own, or one that its server lists and no earlier entry takes, of
 * those that sound as if they answered questions if there are any. Undefined where there is none.
 */
export function nameToTry(models: readonly ModelConfig[], index: number, names: readonly string[]): string | undefined {
  const model = models[index];
  if (!model?.match.includes('*')) return model?.match;
  const alias = nameThere(model);
  if (alias !== undefined) return alias; // it is any name that the pattern matches
  const { match, backend } = model;
  const earlier = models.slice(0, index).map((other) => matcher(other.match));
  const mine = [...names, ...(backend === 'demo' ? ['demo'] : [])]
    .filter(matcher(match))
    .slice(0, COMPARED)
    .filter((name) => !earlier.some((takes) => takes(name)));
  return mine.find((name) => !NO_CHAT.test(name)) ?? mine[0];
}

/** The name that the servers of an entry have for its models, where that is another one. */
export function nameThere(model: ModelConfig): string | undefined {
  return 'keys' in model ? undefined : serversOf(model).find(({ name }) => name !== undefined)?.name;
}

/** Whether a name can stand in a command line as it is. */
export function isShellSafe(name: string): boolean {
  return SHELL_SAFE.test(name);
}

/** Whether a server that lists these answers to a name. Names have tags, prefixes and dates that requests may leave out. */
function isListed(name: string, names: readonly string[]): boolean {
  const alias = name.replace(/-(latest|0)$/, '');
  return names.some(
    (listed) =>
      listed === name ||
      listed === `${name}:latest` ||
      listed === `models/${name}` ||
      name.startsWith(`${listed}:`) ||
      /^-\d{6,}/.test(listed.startsWith(alias) ? listed.slice(alias.length) : ''),
  );
}
