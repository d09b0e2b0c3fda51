import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder } from '../support/folder.ts';
import type { ClientsDoor } from './door.ts';
import { installNodeClients } from './install.ts';

/** What `codex exec` came to: its events by type, and the last message of the agent. */
export interface CodexRun {
  code: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: the events of another program
  events: any[];
  message: string | undefined;
  stdout: string;
  /** All that was printed. */
  output: string;
}

/** A running `codex exec`. */
export interface CodexProcess {
  done: Promise<CodexRun>;
  /** What Ctrl-C does. */
  interrupt(): void;
}

/** A Codex of its own: a home and a folder to work in, which go when it is closed. */
export interface Codex {
  /** The folder that it works in. */
  readonly work: string;
  /** Starts `codex exec` with these arguments; the last one is what is asked. */
  exec(...args: string[]): CodexProcess;
  close(): Promise<void>;
}

/** How Codex is told to see a model, and what else stands in its configuration. */
export interface CodexSettings {
  model: string;
  /**
   * A model of Codex's own catalogue. What Codex sends goes by the model's name; this has ours treated as that one.
   * Without it the model is one that Codex does not know, as the models behind this product are.
   */
  as?: string;
  /** Further lines at the top of the configuration. */
  config?: string;
  /** The product in the place of OpenAI, with Codex's own provider, which tries a WebSocket first. */
  builtIn?: boolean;
  /** Its key comes from a command: then it asks the provider for its models. */
  keyCommand?: boolean;
  /** Its provider is said to have WebSockets. */
  sockets?: boolean;
  /** What its provider is called. Whom it takes for OpenAI, it has compact conversations; else it sums them up by itself. */
  provider?: string;
  /** Codex 0.128, which asks the compact endpoint; later ones send a `compaction_trigger`. */
  earlier?: boolean;
}

/**
 * The shell commands run without a sandbox, as root in a container can have none, in a folder that is no repository.
 */
const FLAGS = ['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'];

/** Prepares a Codex that knows the product as a provider of its own. */
export async function openCodex(door: Pick<ClientsDoor, 'baseUrl'>, settings: CodexSettings): Promise<Codex> {
  const { model, as, config = '', builtIn, sockets = false, provider = 'Antiphon', earlier, keyCommand } = settings;
  const script = join(await installNodeClients(), '..', earlier ? 'codex-earlier' : '@openai/codex', 'bin/codex.js');
  const home = newFolder();
  const work = join(home, 'work');
  await mkdir(join(home, '.codex'));
  await mkdir(work);
  const env = { PATH: process.env.PATH ?? '', HOME: home, ...(builtIn && { CODEX_API_KEY: 'test' }) };
  const run = (args: readonly string[]) => {
    // A group of its own: the command is a script that starts the program, and both are to end.
    const child = spawn(process.execPath, [script, ...args], {
      cwd: work,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return { child, done: collect(child) };
  };
  if (as) {
    const { stdout } = await run(['debug', 'models', '--bundled']).done;
    const found = JSON.parse(stdout).models.find(({ slug }: { slug: string }) => slug === as);
    await writeFile(join(home, 'catalog.json'), JSON.stringify({ models: [{ ...found, slug: model }] }));
  }
  const lines = [
    `model = "${model}"`,
    'check_for_update_on_startup = false',
    ...(as ? [`model_catalog_json = "${join(home, 'catalog.json')}"`] : []),
    builtIn ? `openai_base_url = "${door.baseUrl}"` : 'model_provider = "antiphon"',
    config,
    '[analytics]',
    'enabled = false',
    ...(builtIn ? [] : ['[model_providers.antiphon]', `name = "${provider}"`, `base_url = "${door.baseUrl}"`]),
    ...(builtIn ? [] : ['wire_api = "responses"', `supports_websockets = ${sockets}`]),
    ...(keyCommand ? ['[model_providers.antiphon.auth]', 'command = "echo"', 'args = ["a-key"]'] : []),
  ];
  await writeFile(join(home, '.codex', 'config.toml'), lines.join('\n'));
  const running = new Set<ReturnType<typeof run>['child']>();
  return {
    work,
    exec(...args) {
      const { child, done } = run(['exec', ...args.slice(0, -1), ...FLAGS, ...args.slice(-1)]);
      running.add(child);
      return { done, interrupt: () => child.kill('SIGINT') };
    },
    async close() {
      for (const child of running) endGroup(child.pid);
    },
  };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

async function collect(child: ReturnType<typeof spawn>): Promise<CodexRun> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"type"'));
  const events = lines.map((line) => JSON.parse(line));
  const said = events.filter(({ item }) => item?.type === 'agent_message');
  return { code, events, message: said.at(-1)?.item.text, stdout, output: stdout + stderr };
}
