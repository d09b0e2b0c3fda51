import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt, testConfigFile } from './door.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The handler on another runtime's own server, in a process that ends with this one; `command` runs a script. */
export async function openRuntime(
  name: 'deno' | 'bun',
  [binary = name, ...args]: readonly string[],
  settings: Record<string, string> = {},
): Promise<Door> {
  const model = await startScriptedModel();
  const port = await freePort();
  const config = JSON.stringify(testConfigFile(model));
  const child = spawn(binary, [...args, 'test/runtimes/serve.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...settings, PORT: String(port), ANTIPHON_CONFIG: config },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close');
  const [first] = await Promise.race([once(child.stdout, 'data'), exited]);
  if (!String(first).startsWith('ready')) {
    await model.close();
    throw new Error(`${name} does not serve: ${stderr}`);
  }
  return doorAt(name, `http://127.0.0.1:${port}`, model, async () => {
    child.kill('SIGKILL');
    await exited;
  });
}
