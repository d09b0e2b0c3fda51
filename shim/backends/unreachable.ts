import { type ConfigProblem, matcher } from '../../handler/index.ts';

/** The entries of `models` that never answer, since an earlier one takes every name that they match. */
export function unreachable(models: readonly { match: string }[]): ConfigProblem[] {
  const strange = strangerTo(models.map(({ match }) => match).join(''));
  const matchers = models.map(({ match }) => matcher(match));
  return models.flatMap(({ match }, index) => {
    // A name with a character of no pattern for each `*`: only a `*` of another pattern takes that, and so whatever else may
    // stand there. So one entry takes this name if and only if it takes all, and several never do so together.
    const name = match.replaceAll('*', strange);
    const by = matchers.findIndex((takes) => takes(name)); // it takes its own
    if (by === index) return [];
    const says = `is never reached: models.${by}.match, ${models[by]?.match}, takes all that ${match} matches`;
    return [{ path: ['models', String(index), 'match'], says }];
  });
}

/** A character that does not occur in a text. */
function strangerTo(text: string): string {
  let code = 0xe000; // for private use
  while (text.includes(String.fromCharCode(code))) code++;
  return String.fromCharCode(code);
}
