import { readFile } from 'node:fs/promises';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError, type ConfigProblem, sentenceOf } from '../handler/index.ts';

/** A configuration file, parsed. */
export interface ConfigFile {
  /** Its keys and values, as they are written. */
  value: Record<string, unknown>;
  /** A ConfigError as an Error whose message has a line for each mistake, in their order: `FILE:LINE:COLUMN: what is wrong`. */
  locate(error: ConfigError): Error;
}

/** The text of a file; rejects as Node does. */
export function readText(file: string): Promise<string> {
  return readFile(file, 'utf8');
}

/**
 * Reads a YAML file, whose text `read` gives; an unreadable file is an Error that names it, and invalid YAML one with a line for
 * each mistake.
 */
export async function openConfigFile(file: string, read = readText): Promise<ConfigFile> {
  let text: string;
  try {
    text = await read(file);
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return parseConfigFile(text, file);
}

/** The keys and values of a YAML file. It throws what `openConfigFile` throws. */
export async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  return (await openConfigFile(file)).value;
}

/** Parses a YAML mapping; an empty text is an empty mapping. It throws what `openConfigFile` throws. */
export function parseConfigFile(text: string, file: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true, lineCounter: lines });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new Error(document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`).join('\n'));
  }
  return {
    value: toMapping(document, file),
    locate({ problems, cause }) {
      const placed = problems.map((problem) => ({ problem, offset: offsetOf(document, problem) }));
      placed.sort((a, b) => a.offset - b.offset);
      const told = placed.map(({ problem, offset }) => `${at(offset)}: ${sentenceOf(problem)}`);
      return new Error(told.join('\n'), { cause });
    },
  };
}

/** What a function gives; a ConfigError that it throws is placed in the file that the configuration came from. */
export async function placed<T>(file: ConfigFile | undefined, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw file && error instanceof ConfigError ? file.locate(error) : error;
  }
}

function toMapping(document: Document, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error }); // too many aliases
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${file}: expected a mapping of keys to values at the top`);
}

/** Where the value at a path begins, or its key; of what is not there, where the mapping that should have it begins. */
function offsetOf(document: Document, { path, isKey = false }: ConfigProblem): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? startOf(node) : 0;
  for (const [index, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node)
      ? node.items.find(({ key: name }) => String(isScalar(name) ? name.value : name) === key)
      : undefined;
    const value: unknown = pair ? pair.value : isSeq(node) ? node.items[Number(key)] : undefined;
    if (!pair && !isNode(value)) break;
    const name = pair?.key;
    if (isNode(name) && (!isNode(value) || (isKey && index === path.length - 1))) offset = startOf(name);
    else if (isNode(value)) offset = startOf(value);
    node = value;
  }
  return offset;
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
