import { readFile, stat } from 'node:fs/promises';
import { fixedLimits } from '../handler/index.ts';

/**
 * The secret in a file, without one line break at its end. Rejects with an Error that names the file if it cannot be read, is no
 * regular file, is empty, is larger than `fixedLimits.secretFile`, or is no UTF-8.
 */
export async function readSecretFile(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size, isFile } = await stat(file).then((found) => ({ size: found.size, isFile: found.isFile() }));
    if (!isFile) throw new Error('it is no regular file'); // a pipe would be waited for, and a device read for ever
    if (size > fixedLimits.secretFile) throw new Error(`it is larger than ${fixedLimits.secretFile} bytes`);
    bytes = await readFile(file);
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new Error(`${file} is no UTF-8 text`, { cause });
  }
  if (text === '') throw new Error(`${file} is empty`);
  return text;
}
