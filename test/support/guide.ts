import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { newFolder } from './folder.ts';
import { startCommand } from './product.ts';

const run = promisify(execFile);

/** Where the model of a guide is, and what tools ask. */
export interface GuideModel {
  /** Its base URL, in place of the one that guides write. */
  url: string;
  /** Its name there. */
  name: string;
  /** The address of a SearXNG, where there is one. */
  search?: string;
  /** The address of an MCP server, likewise. */
  mcp?: string;
}

/** A block of a guide: its language, the file that it is, and its text. */
interface Block {
  language: string;
  file: string;
  text: string;
}

/** The addresses that guides write: ports of a machine are not free in a test. */
const [ANTIPHON, MODEL, SEARCH] = ['http://127.0.0.1:10000', 'http://127.0.0.1:8000/v1', 'http://127.0.0.1:8888'];
const MCP = 'http://127.0.0.1:3001/mcp';

/** What a reader does once, and a test has done: it starts the product itself, and installs the pinned versions of test/clients. */
const DONE_BEFORE = /^(npm ci|npm start|npm install|pip install)\b/;

async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(new URL(`../../docs/guides/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```(\S+)(?: (\S+))?\n(.*?)^```$/gms)].map(([, language = '', file = '', text = '']) => ({
    language,
    file,
    text,
  }));
}

/**
 * Does what a guide says, as it is written but for addresses: makes its files, starts the product with its configuration or the one that all share,
 * runs its commands, and compares what it shows of them. With `compares: false` they have only to succeed. `packages` is the folder of those that it installs.
 */
export async function followGuide(
  t: TestContext,
  page: string,
  model: GuideModel,
  { compares = true, packages }: { compares?: boolean; packages?: string } = {},
): Promise<void> {
  const home = newFolder();
  if (packages) await symlink(packages, join(home, 'node_modules'));
  const blocks = await blocksOf(page);
  const written =
    [...blocks, ...(await blocksOf('README.md'))].find(({ file }) => file === 'antiphon.yaml')?.text ?? '';
  const config = written
    .replace(`url: "${MODEL}"`, `url: "${model.url}", as: "${model.name}"`)
    .replace(SEARCH, model.search ?? SEARCH)
    .replace(MCP, model.mcp ?? MCP);
  assert.ok(config.includes(model.url), 'no antiphon.yaml with the model');
  await writeFile(join(home, 'antiphon.yaml'), config);
  const product = await startCommand(['-config', join(home, 'antiphon.yaml')]);
  t.after(async () => {
    product.kill('SIGTERM');
    await product.exited;
  });
  const here = (text: string) => text.replaceAll(ANTIPHON, product.envoy);
  const path = [dirname(process.execPath), ...(packages ? [join(packages, '.bin')] : []), process.env.PATH].join(':');
  let [shown, commands] = ['', 0];
  for (const { language, file, text } of blocks) {
    if (file === 'antiphon.yaml') continue;
    if (file) {
      const at = join(home, file.replace('~/', ''));
      await mkdir(dirname(at), { recursive: true });
      await writeFile(at, here(text));
    } else if (language === 'sh' && !DONE_BEFORE.test(text)) {
      commands++;
      const command = run('bash', ['--norc', '-euc', `set -o pipefail\n${here(text)}`], {
        cwd: home,
        env: { HOME: home, PATH: path },
        timeout: 120_000,
      });
      command.child.stdin?.end();
      shown = (await command).stdout;
    } else if (language === 'text' && compares) {
      assert.match(shown, patternOf(text));
    }
  }
  assert.ok(commands > 0, `${page} has no command`);
}

/** What a guide shows, in which a line of three dots stands for any lines or none. */
function patternOf(text: string): RegExp {
  const lines = text.trimEnd().split('\n');
  const parts = lines.map((line) => (line === '...' ? '(?:.*\\n)*?' : `${line.replace(/[^\w\s]/g, '\\$&')}\\n`));
  return new RegExp(`^${parts.join('')}$`);
}
