/**
 * Finds which of these paths a client probably means by one where nothing is: its `/v1` is missing or there twice, or a slash is at
 * its end. Undefined where none comes near.
 */
export function nearPathOf(paths: readonly string[]): (path: string) => string | undefined {
  const known = paths
    .filter((path) => path.startsWith('/v1/'))
    .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`) }));
  return (path) => {
    const names = path.split('/').filter((name) => name !== '');
    while (names[0] === 'v1') names.shift();
    const rest = `/${names.join('/')}`;
    return known.find(({ pattern }) => pattern.test(`/v1${rest}`))?.path;
  };
}
