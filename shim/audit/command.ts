import { verifyAudit } from './verify.ts';

/**
 * Runs `audit verify FILE...`: prints what is wrong, and returns the exit code, 1 for a broken chain. Throws an Error for wrong arguments, or a file
 * that cannot be read.
 */
export async function auditCommand(args: readonly string[], print: (line: string) => void): Promise<number> {
  const [action, ...paths] = args;
  const flag = paths.find((path) => path.startsWith('-'));
  if (action !== 'verify') throw new Error('audit needs the word verify behind it (see audit -help)');
  if (flag !== undefined) throw new Error(`unknown flag ${flag} (see audit -help)`);
  if (paths.length === 0)
    throw new Error('audit verify needs a file, or several of them, the oldest first (see audit -help)');
  const { lines, problems, notes, head } = await verifyAudit(paths);
  for (const line of [...notes, ...problems]) print(line);
  const count = lines === 1 ? '1 line' : `${lines} lines`;
  print(problems.length > 0 ? `${count}: the chain is broken` : `${count}: the chain is whole, and ends with ${head}`);
  return problems.length > 0 ? 1 : 0;
}
