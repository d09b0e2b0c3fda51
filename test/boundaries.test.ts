import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = new URL('../', import.meta.url);

/** What an item is made of: the wire's smaller words, and the files that stand on them alone. */
const ground = [
  'protocol',
  ...[
    'audit.ts',
    'base64.ts',
    'byte-list.ts',
    'caller.ts',
    'caller-count.ts',
    'charge.ts',
    'contract.ts',
    'costs.ts',
    'docs-script.ts',
    'errors.ts',
    'error-style.ts',
    'error-text.ts',
    'fair-queue.ts',
    'fixed-limits.ts',
    'ids.ts',
    'attributes.ts',
    'ingress.ts',
    'limits.ts',
    'log.ts',
    'memory-budget.ts',
    'canonical-json.ts',
    'nearest.ts',
    'parse-json.ts',
    'pattern.ts',
    'rate-limiter.ts',
    'readiness.ts',
    'redact.ts',
    'remembered.ts',
    'request-values.ts',
    'seal.ts',
    'socket.ts',
    'telemetry/labels.ts',
    'trace-headers.ts',
    'transport.ts',
    'validate.ts',
  ],
];
/** Requests and replies, which hold items. */
const wire = ['compact', 'conversation', 'count-request', 'list', 'request', 'response', 'usage', 'websocket'].map(
  (name) => `protocol/${name}.ts`,
);
/** What any file above items may import. */
const base = [...ground, 'items', ...wire, 'media.ts'];
const model = ['backend', 'backend/server', 'backend/functions'];
/** A folder of backend/ is a protocol, unless all of them share it. */
const protocols = readdirSync(new URL('handler/backend/', ROOT), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['contract', 'functions', 'server'].includes(entry.name))
  .map(({ name }) => `backend/${name}`);
const database = ['state/database/database.ts', 'state/database/sql.ts'];
const core = ['events', 'backend', 'routing', 'tools', 'tools/functions', 'turn', 'state', ...database];
/** What traces and metrics are told of. */
const telling = ['backend', 'routing', 'tools', 'turn', 'state/database', 'state/database/database.ts'];
const port = 'telemetry/telemetry.ts';
const intake = ['codec', 'decompress.ts'];

/**
 * The units of the house, files or folders of handler/, and the units that each may import besides itself. A file belongs to the
 * row with the longest path that leads to it, and a row without the folders inside that have rows of their own.
 */
const table: Record<string, readonly string[]> = {
  protocol: [],
  ...Object.fromEntries(ground.filter((name) => name.endsWith('.ts')).map((name) => [name, ground])),
  items: ['protocol', 'ids.ts', 'parse-json.ts'],
  ...Object.fromEntries(wire.map((name) => [name, [...ground, 'items', ...wire]])),
  'media.ts': [...ground, 'items'],
  'cel.ts': ['costs.ts'],
  'maintenance.ts': ['log.ts'],
  events: base,
  codec: base,
  // The way out for URLs that are not the configuration's own servers of models: it stands on next to nothing.
  egress: ['byte-list.ts'],
  'decompress.ts': [...base, 'codec'],
  'state/database/database.ts': [],
  'state/database/sql.ts': ['state/database/database.ts'],
  'state/database': database,
  'state/database/race.ts': ['contract.ts', 'state', 'state/database', ...database],
  'state/database/contract.ts': ['contract.ts', 'state', 'state/database', 'state/database/race.ts', ...database],
  state: [...base, 'events', ...database],
  backend: [...base, 'events'],
  'backend/server': [...base, 'events', 'backend'],
  'backend/functions': [...base, 'events', ...model],
  ...Object.fromEntries(protocols.map((name) => [name, [...base, 'events', ...model]])),
  'backend/index.ts': [...base, ...model, ...protocols],
  routing: [...base, 'backend'],
  // The port of traces and metrics; what fills it knows OpenTelemetry, and is loaded by a root alone.
  'telemetry/telemetry.ts': [...base, ...telling],
  telemetry: [...base, ...telling, 'events', 'telemetry/telemetry.ts'],
  // The SDK of OpenTelemetry, and the variables by which roots open it.
  otlp: ['log.ts', 'redact.ts', 'telemetry'],
  // What is stored, encrypted: a root hands it over where a configuration needs it.
  encryption: [...ground, 'config', 'state', 'state/database', ...database],
  tools: [...base, 'events', 'egress'],
  // Functions by configuration, which no tool knows, but the turn offers.
  'tools/functions': [...base, 'config', 'egress', 'events', 'tools'],
  // Tools that a configuration opens: their port.
  'tools/open-tools.ts': [...base, 'config', 'egress', 'tools'],
  'tools/web-search': [...base, 'config', 'egress', 'events', 'tools', 'tools/open-tools.ts'],
  'tools/mcp': [...base, 'events', 'config', 'egress', 'tools', 'tools/open-tools.ts'],
  turn: [...base, 'events', 'backend', 'tools', 'tools/functions'],
  // What a program's file defines.
  program: [...base, 'config', 'hooks', 'tools/functions'],
  // What a program has to say to every turn.
  hooks: [...base, 'events', 'turn'],
  webhooks: [...base, 'events', 'state', 'state/database/database.ts', port],
  identity: [...ground, 'config', 'state'],
  config: [...base, 'egress', 'webhooks', 'backend/index.ts'],
  // The port of limits on turns; what fills it is loaded by roots.
  'allowances/port.ts': [...base, 'config', 'state', ...database, 'turn'],
  allowances: [...base, 'config', 'state', ...database, 'turn', 'allowances/port.ts'],
  background: [...base, 'hooks', 'events', 'routing', 'turn', 'state', ...database, port, 'allowances/port.ts'],
  service: [
    ...base,
    'hooks',
    'events',
    'backend',
    'routing',
    'turn',
    'state',
    'codec',
    'background',
    port,
    'allowances/port.ts',
  ],
  websocket: [...base, 'hooks', 'events', 'backend', 'turn', 'state', 'service'],
  // Other APIs, as the Responses API has them: their wire and its translation. They know no HTTP.
  neighbours: [...base, 'events'],
  // Requests of other APIs that are passed on, and the few of their members that are read.
  'neighbours/forwarded': [...base, 'backend', 'routing', 'turn', 'state', 'service', port, 'allowances/port.ts'],
  http: [...base, 'events', ...intake, 'service', 'neighbours', 'neighbours/forwarded'],
  'http/middleware': [...base, 'service', 'websocket', 'http'],
  'http/openapi': [...base, 'events', 'neighbours', 'neighbours/forwarded', 'http'],
  'http/api': [
    ...[...base, 'events', 'routing', 'state', 'service', 'neighbours', 'neighbours/forwarded'],
    ...['hooks', 'http', 'http/openapi'],
  ],
  'http/routes.ts': ['http', 'http/api'],
  'http/app.ts': [
    ...[...base, 'backend/server', 'service', 'neighbours'],
    ...['http', 'http/middleware', 'http/api', 'http/routes.ts'],
  ],
  'open-costs.ts': [...base, 'config'],
  'open-models.ts': [...base, ...model, 'backend/index.ts', 'config', 'routing'],
  'options.ts': [
    ...base,
    ...core,
    'hooks',
    port,
    'allowances/port.ts',
    'tools/open-tools.ts',
    'codec',
    'egress',
    'open-models.ts',
    'config',
    'background',
    'identity',
  ],
  'process.ts': [
    ...base,
    ...core,
    port,
    'tools/open-tools.ts',
    'codec',
    'egress',
    'options.ts',
    'background',
    'identity',
    'config',
    'service',
    'allowances/port.ts',
  ],
  'configured.ts': [
    ...base,
    ...core,
    'allowances/port.ts',
    'tools/open-tools.ts',
    'egress',
    'identity',
    'open-costs.ts',
    'open-models.ts',
    'process.ts',
    'config',
    'service',
  ],
  'index.ts': [
    ...[
      ...base,
      ...core,
      ...intake,
      'program',
      'egress',
      'open-models.ts',
      'config',
      'background',
      'webhooks',
      'service',
      'websocket',
    ],
    'identity',
    'allowances/port.ts',
    'tools/open-tools.ts',
    ...[
      port,
      'telemetry',
      'options.ts',
      'process.ts',
      'configured.ts',
      'open-costs.ts',
      'http/app.ts',
      'maintenance.ts',
    ],
  ],
  worker: ['index.ts', 'state/database', 'codec', 'egress'],
};

/** Who may import a package; all others may not. Packages that only tests use have no row. */
const packages: Record<string, RegExp> = {
  hono: /^handler\/http\//,
  valibot:
    /^handler\/(protocol\/|items\/|neighbours\/|validate\.ts|config\/|tools\/mcp\/entry\.ts|background\/stored-job\.ts)/,
  'eventsource-parser': /^handler\/events\/sse\.ts/,
  '@modelcontextprotocol/client': /^(handler\/tools\/mcp\/(client|http-transport|programs)|shim\/mcp\/program)\.ts/,
  jose: /^handler\/identity\/verify-jwt\.ts/,
  pako: /^handler\/codec\/inflate\.ts/,
  '@marcbachmann/cel-js': /^handler\/cel\.ts/,
  'brotli-wasm': /^shim\/codecs\.ts/,
  '@hono/node-server': /^shim\/http\.ts/,
  '@grpc/grpc-js': /^shim\/(server|exchange|health|rate-limiter)\.ts/,
  '@grpc/proto-loader': /^shim\/(server|rate-limiter)\.ts/,
  'gpt-tokenizer': /^shim\/tokenizer\.ts/,
  ws: /^shim\/websocket\.ts/,
  '@mozilla/readability': /^handler\/tools\/web-search\/html\.ts/,
  linkedom: /^handler\/tools\/web-search\/html\.ts/,
  unpdf: /^handler\/tools\/web-search\/pdf\.ts/,
  // The API of OpenTelemetry where Telemetry is made, its SDK where a root opens it.
  '@opentelemetry/api': /^(handler\/(otlp|telemetry)|shim\/telemetry)\//,
  '@opentelemetry': /^(handler\/otlp|shim\/telemetry)\//,
  undici: /^shim\/(transport|incoming-reply|server-agents|proxy-tunnel|egress|egress-body)\.ts/,
  yaml: /^(shim|envoy)\//,
  'node:zlib': /^(handler\/worker\/|shim\/(codecs|docs-script|egress-body)\.ts)/,
  'node:async_hooks': /^handler\/worker\/(hyperdrive|invocation-places)\.ts/,
  'node:': /^(shim|envoy)\//,
};

/** What the shim may know of the handler, and what those who open databases may besides: their packages, too. */
const HANDLER_FOR_SHIM = [
  'index',
  'byte-list',
  'cel',
  'egress/egress',
  'fair-queue',
  'allowances/index',
  'encryption/index',
  'identity/verify-jwt',
  'log',
  'parse-json',
  'state/limiter-charges',
  'tools/web-search/index',
  'tools/web-search/page-reducer',
  'tools/web-search/web-page',
  'tools/mcp/index',
  'tools/mcp/programs',
  'tools/mcp/session',
  'transport',
].map((name) => `handler/${name}.ts`);
const OPENERS = 'shim/databases/';
const WORKERS_OPENER = 'handler/worker/hyperdrive.ts';
const DATABASES = /^handler\/state\/database\/(?!contract)/;

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));

interface Source {
  path: string;
  lines: string[];
  /** The lines without comments and without what stands in quotes. */
  code: string[];
  /** What it imports, types included: paths from the root of the project, or packages. */
  imports: string[];
  /** The same without what it imports types alone of. */
  runs: string[];
}

const sources = ['handler', 'shim', 'envoy', 'exports'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => load(`${folder}/${name}`)),
);

const importsByPath = new Map(sources.map(({ path, imports }) => [path, imports]));
const runsByPath = new Map(sources.map(({ path, runs }) => [path, runs]));

function load(path: string): Source {
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  const lines = text.split('\n');
  return {
    path,
    lines,
    code: lines.map(codeOf),
    imports: importsOf(path, text),
    runs: importsOf(path, text.replace(/^(import|export) type\b[^;]*;$/gm, '')),
  };
}

/**
 * One line without comments and quoted text. Line by line is enough, as the formatter leaves the sources: a block
 * comment stands alone, and each of its lines begins with an asterisk.
 */
function codeOf(line: string): string {
  if (/^\s*(\/\*|\*)/.test(line)) return '';
  return line.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`/g, "''").replace(/\/\/.*$/, '');
}

/**
 * The text is read and not the stripped module, since imports of types count as well. A statement begins a line, as the
 * formatter leaves it; `import()` and `import type` inside expressions are found anywhere.
 */
function importsOf(path: string, text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const dynamic = text.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]/g);
  return [...statements, ...dynamic].map(([, name = '']) => {
    const inPackages = /node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(name);
    if (inPackages?.[1]) return inPackages[1];
    return name.startsWith('.') ? join(dirname(path), name) : name;
  });
}

/** The row that a path belongs to. */
function unitOf(path: string): string {
  const [, ...names] = path.split('/');
  while (names.length > 0 && !Object.hasOwn(table, names.join('/'))) names.pop();
  return names.join('/') || assert.fail(`${path} has no row in the table`);
}

function isProjects(name: string): boolean {
  return /^(handler|shim|envoy|exports|test|proto)\//.test(name);
}

function reachable(path: string, seen = new Set<string>(), among = importsByPath): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const name of among.get(path) ?? []) reachable(name, seen, among);
  return seen;
}

describe('imports go one way', () => {
  test('in handler/', () => {
    const wrong: string[] = [];
    for (const { path, imports } of sources.filter(({ path }) => path.startsWith('handler/'))) {
      const unit = unitOf(path);
      for (const name of imports.filter(isProjects)) {
        const fine = name.startsWith('handler/') && [unit, ...(table[unit] ?? [])].includes(unitOf(name));
        if (!fine) wrong.push(`${path} imports ${name}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('in no circle of files', () => {
    const circles = new Set<string>();
    const done = new Set<string>();
    const visit = (path: string, above: readonly string[]) => {
      const at = above.indexOf(path);
      if (at >= 0) circles.add([...above.slice(at), path].join(' -> '));
      if (at >= 0 || done.has(path)) return;
      for (const name of importsByPath.get(path) ?? []) visit(name, [...above, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    assert.deepEqual([...circles], []);
  });

  test('of packages', () => {
    const wrong: string[] = [];
    for (const { path, imports } of sources) {
      for (const name of imports.filter((name) => !isProjects(name))) {
        const row = Object.keys(packages).find(
          (key) => name === key || name.startsWith(key.endsWith(':') ? key : `${key}/`),
        );
        const isOpener = path.startsWith(OPENERS) || path === WORKERS_OPENER;
        const opens = !row && isOpener && Object.hasOwn(dependencies, name);
        if (!opens && (!row || !packages[row]?.test(path))) wrong.push(`${path} imports ${name}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('the shim knows only the handler’s door, and envoy/ neither', () => {
    for (const { path, imports } of sources) {
      const ours = imports.filter((name) => name.startsWith('handler/'));
      if (path.startsWith('envoy/'))
        assert.deepEqual(
          imports.filter((name) => /^(handler|shim)\//.test(name)),
          [],
          path,
        );
      if (path.startsWith('shim/')) {
        assert.deepEqual(
          ours.filter(
            (name) =>
              !HANDLER_FOR_SHIM.includes(name) &&
              !(path.startsWith(OPENERS) && DATABASES.test(name)) &&
              !(path.startsWith('shim/telemetry/') && /^handler\/(telemetry\/index\.ts|otlp\/)/.test(name)) &&
              !(/^shim\/(product|audit\/otlp)\.ts$/.test(path) && name.startsWith('handler/otlp/')),
          ),
          [],
          path,
        );
      }
    }
  });

  test('a session and its codec serve any fetch handler, over any transport', () => {
    for (const path of ['shim/session.ts', 'shim/codec.ts']) {
      const known = [...reachable(path)].filter((name) =>
        /^(handler\/(?!byte-list\.ts)|envoy\/|@grpc|node:)/.test(name),
      );
      assert.deepEqual(known, [], path);
    }
  });

  test('two roots make a handler, and nobody imports a root', () => {
    const makers = sources.filter(({ path, code }) => {
      return path !== 'handler/index.ts' && code.some((line) => /\bcreateHandler\(/.test(line));
    });
    assert.deepEqual(
      makers.map(({ path }) => path.split('/')[0]).sort(),
      ['handler', 'shim'],
      makers.map(({ path }) => path).join(),
    );
    const roots = ['handler/worker/main.ts', 'shim/main.ts'];
    for (const { path, imports } of sources) {
      assert.deepEqual(
        imports.filter((name) => roots.includes(name)),
        [],
        path,
      );
    }
  });

  test('an entry point of the package only hands on what others have, and nobody imports one', () => {
    for (const { path, lines, imports } of sources) {
      const entries = imports.filter((name) => name.startsWith('exports/'));
      assert.deepEqual(entries, [], path);
      if (!path.startsWith('exports/')) continue;
      const code = lines
        .join('\n')
        .replace(/^\/\/.*$/gm, '')
        .replace(/^export (type )?\{[^}]*\} from '[^']+';$/gm, '');
      assert.equal(code.trim(), '', path);
    }
  });

  test('every import of ours is there', () => {
    const known = new Set(sources.map(({ path }) => path));
    for (const { path, imports } of sources) {
      for (const name of imports.filter(isProjects)) assert.ok(known.has(name), `${path} imports ${name}`);
    }
  });
});

describe('tools have one way out', () => {
  const files = new Set(
    sources
      .filter(({ path }) => /^handler\/tools\/(?!contract\/)/.test(path))
      .flatMap(({ path }) => [...reachable(path, new Set(), runsByPath)]),
  );
  const among = sources.filter(({ path }) => files.has(path) && !path.startsWith('handler/egress/'));

  test('which is the egress that they are given, and not the transport to models', () => {
    const others = /^(handler\/(transport|egress\/(open|fetch-connect|target))\.ts|shim\/|undici$|node:)/;
    assert.deepEqual(
      among.flatMap(({ path, runs }) =>
        runs.filter((name) => others.test(name)).map((name) => `${path} imports ${name}`),
      ),
      [],
    );
  });

  test('and none of the runtime’s: `fetch` is no name of theirs but that of a member', () => {
    const own =
      /(?<![.\w'])fetch\b(?!['?]?\s*:)|(?<![.\w])(WebSocket|EventSource|XMLHttpRequest|connect)\(|\bglobalThis\b/;
    assert.deepEqual(
      among.flatMap(({ path, code }) =>
        code.flatMap((line, index) => (own.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
      ),
      [],
    );
  });
});

describe('the house rules', () => {
  test('files are short: none above 300 lines, the median below 90', () => {
    const sizes = sources.map(({ lines }) => lines.length - 1).sort((a, b) => a - b);
    assert.deepEqual(
      sources.filter(({ lines }) => lines.length > 301).map(({ path }) => path),
      [],
    );
    assert.ok((sizes[Math.floor(sizes.length / 2)] ?? 0) < 90);
  });

  test('handler/ uses no global of Node', () => {
    const uses = found(
      /(?<![.\w#-])(Buffer|process|require|global|setImmediate|__dirname)\b(?!\s*[:?(]\s*\w*\))/,
      'handler/',
    );
    assert.deepEqual(uses, []);
  });

  test('nothing is any', () => {
    assert.deepEqual(found(/[:<|&]\s*any\b|\bas any\b|\bany\[\]/), []);
  });

  test('a cast says why, on its line or just before', () => {
    const casts = sources.flatMap(({ path, lines, code }) =>
      code.flatMap((line, index) => {
        if (/^\s*(import|export)\b|^\s*[\w ]+ as \w+,?$/.test(line) || !/\bas (?!const\b)/.test(line)) return [];
        const reasoned = lines.slice(index - 2, index + 1).some((near) => /\/\/ \w/.test(near));
        return reasoned ? [] : [`${path}:${index + 1}`];
      }),
    );
    assert.deepEqual(casts, []);
  });

  test('a name of an exported type means one thing in handler/', () => {
    const byName = new Map<string, Set<string>>();
    for (const { path, code } of sources.filter(({ path }) => path.startsWith('handler/'))) {
      for (const line of code) {
        const name = /^export (?:declare |abstract )*(?:class|interface|type) (\w+)/.exec(line)?.[1];
        if (name !== undefined) byName.set(name, (byName.get(name) ?? new Set()).add(path));
      }
    }
    const shared = [...byName].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths].join(' '));
    assert.deepEqual(shared, []);
  });

  test('every export has its sentence', () => {
    const bare = sources.flatMap(({ path, lines }) => {
      const told = new Set<string>();
      return lines.flatMap((line, index) => {
        const name =
          /^export (?:default )?(?:declare |abstract |async )*(?:function\*?|class|const|let|interface|type) (\w+)/.exec(
            line,
          )?.[1];
        if (name === undefined || told.has(name)) return [];
        told.add(name);
        return lines[index - 1]?.endsWith('*/') ? [] : [`${path}:${index + 1} ${name}`];
      });
    });
    assert.deepEqual(bare, []);
  });
});

function found(pattern: RegExp, folder = ''): string[] {
  return sources
    .filter(({ path }) => path.startsWith(folder))
    .flatMap(({ path, code }) =>
      code.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
}
