import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';

/** Reads a YAML file with `parseYaml`; an unreadable file is an Error that names it. */
export async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return parseYaml(text, file);
}

/** Parses a YAML mapping; an empty text is an empty mapping. Invalid YAML is an Error that names the file and line. */
export function parseYaml(text: string, file: string): Record<string, unknown> {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem) throw new Error(`${file}:${lineAt(text, problem.pos[0])}: ${problem.message}`);
  const value: unknown = document.toJS() ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${file}: expected a mapping of keys to values at the top`);
  }
  return { ...value };
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
