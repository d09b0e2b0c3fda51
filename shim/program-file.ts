import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type HandlerOptions, programConfig, sentenceOf } from '../handler/index.ts';

/** What a program's file adds to the options of the handler. */
export type Program = Pick<HandlerOptions, 'functions' | 'identify' | 'hooks'>;

/** Its names, beside the configuration's file; the first that is there counts. */
const NAMES = ['antiphon.config.ts', 'antiphon.config.mts', 'antiphon.config.js', 'antiphon.config.mjs'];

/** Our own entry points: what a program's file imports of us is what runs. */
const EXPORTS = new URL('../exports/', import.meta.url);
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** The path of the program's file beside a configuration's; undefined where there is none. */
export function programFile(config: string | undefined): string | undefined {
  if (config === undefined) return undefined;
  return NAMES.map((name) => join(dirname(config), name)).find((file) => existsSync(file));
}

/**
 * Runs the program's file beside a configuration's, and gives what it exports; nothing where there is none. Throws an Error that names the file and
 * every mistake.
 */
export async function readProgram(config: string | undefined): Promise<Program> {
  const file = programFile(config);
  if (file === undefined) return {};
  const url = pathToFileURL(file).href;
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(ownEntry(specifier) ?? specifier, context);
      // Its types are taken off by Node, whatever a package.json near it says of modules.
      return found.url === url && file.endsWith('.ts') ? { ...found, format: 'module-typescript' } : found;
    },
  });
  try {
    const { default: exported } = await import(url);
    const { tools, identify, hooks: own } = programConfig(exported);
    return { ...(tools && { functions: tools }), ...(identify && { identify }), ...(own && { hooks: own }) };
  } catch (error) {
    throw new Error(
      wordsFor(error)
        .map((line) => `${file}: ${line}`)
        .join('\n'),
      { cause: error },
    );
  } finally {
    // What it imports later, while it runs, is found in the same way.
    void hooks;
  }
}

/** The URL of one of our entry points; undefined for any other module. */
function ownEntry(specifier: string): string | undefined {
  const [, name] = /^antiphon(?:\/([a-z\d-]+))?$/.exec(specifier) ?? [];
  if (name === undefined && specifier !== 'antiphon') return undefined;
  const entry = new URL(`${name ?? 'index'}${EXTENSION}`, EXPORTS);
  return existsSync(entry) ? entry.href : undefined;
}

function wordsFor(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(sentenceOf);
  if (!(error instanceof Error)) return [String(error)];
  // Of a mistake in the language Node tells the place at the head of the stack.
  const place = error instanceof SyntaxError ? /^\S*?:(\d+)$/m.exec(error.stack?.split('\n')[0] ?? '')?.[1] : undefined;
  return [`${place === undefined ? '' : `line ${place}: `}${error.message}`];
}
