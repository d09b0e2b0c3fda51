import { newFolder } from '../test/support/folder.ts';
import { freePort } from '../test/support/ports.ts';
import { startProgram } from './children.ts';
import { installed } from './peers.ts';
import { type PrefixServer, startPrefixServer, wordsOf } from './prefix-server.ts';
import { startProduct } from './product.ts';

/**
 * How often prefix caches hit: sessions of some turns, several of which share a system prompt, over model servers that have a
 * cache each, with what spreads them.
 */
const [SERVERS, SESSIONS, TURNS] = [4, 60, 6];

/** How many system prompts there are. */
const PROMPTS = [4, 1];

/** Turns at a time, and characters of a system prompt and of what a user says. */
const [CONCURRENCY, SYSTEM, SAID] = [16, 4_000, 300];

/** Tokens that the cache of a server holds: all that may come, and less than its share of them. */
const CAPACITIES = { 'all fits': 1_000_000, 'half of it fits': 10_000 };

/** Something that spreads turns over servers. */
interface Spreader {
  name: string;
  /** Starts it; `turn` is one of a session, whose system prompt and words so far are the same as before. */
  start(ports: readonly number[]): Promise<{ turn: Turn; stop(): Promise<void> }>;
}

type Turn = (session: Session, said: string) => Promise<void>;

interface Session {
  system: string;
  /** What was said so far, by both. */
  messages: { role: string; content: string }[];
  previous: string | undefined;
}

/** Antiphon by its Responses API, which knows what was said before. */
function ours(balance: string, keyed = false): Spreader {
  return {
    name: `Antiphon, \`${balance}\`${keyed ? ', a `prompt_cache_key` for each system prompt' : ''}`,
    async start(ports) {
      const to = ports.map((port) => ({ url: `http://127.0.0.1:${port}/v1` }));
      const product = await startProduct(0, { entry: { to, balance } });
      return {
        stop: () => product.stop(),
        async turn(session, input) {
          const { system: instructions, previous: previous_response_id } = session;
          const prompt_cache_key = keyed ? instructions.slice(0, 32) : undefined;
          const url = `http://127.0.0.1:${product.http}/v1/responses`;
          const request = { model: 'bench', instructions, input, previous_response_id, prompt_cache_key };
          session.previous = (await post(url, request)).id;
        },
      };
    },
  };
}

/** SMG by Chat Completions, where it looks at the beginning of what is sent. */
const smg: Spreader = {
  name: 'smg, `--policy cache_aware`',
  async start(ports) {
    const [port, metrics, folder] = [await freePort(), await freePort(), newFolder()];
    const child = await startProgram({
      name: 'smg',
      command: await installed('smg', console.error),
      folder,
      env: { HOME: folder, RUST_LOG: 'warn' },
      args: [
        ...['launch', '--policy', 'cache_aware', '--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn'],
        ...['--prometheus-host', '127.0.0.1', '--prometheus-port', `${metrics}`, '--shutdown-grace-period-secs', '1'],
        ...['--worker-startup-check-interval', '1', '--worker-urls', ...ports.map((one) => `http://127.0.0.1:${one}`)],
      ],
    });
    const url = `http://127.0.0.1:${port}`;
    for (let tries = 0; !(await isReady(`${url}/readiness`)); tries++) {
      if (tries > 300) throw new Error('smg is not ready after 30 s');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return {
      stop: () => child.stop(),
      async turn({ system, messages }, content) {
        messages.push({ role: 'user', content });
        const sent = [{ role: 'system', content: system }, ...messages];
        const { choices } = await post(`${url}/v1/chat/completions`, { model: 'bench', messages: sent });
        messages.push(choices[0].message);
      },
    };
  },
};

async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

// biome-ignore lint/suspicious/noExplicitAny: replies are read without a schema
async function post(url: string, body: object): Promise<any> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
  return reply.json();
}

/** All turns of all sessions, of which so many are under way: each goes on when those before it have had theirs. */
async function traffic(turn: Turn, prompts: number): Promise<void> {
  const waiting = Array.from({ length: SESSIONS }, (_, at) => {
    const session: Session = { system: wordsOf(`system ${at % prompts}`, SYSTEM), messages: [], previous: undefined };
    return { session, at, turns: 0 };
  });
  const one = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await turn(next.session, wordsOf(`session ${next.at}, turn ${next.turns}`, SAID));
      if (++next.turns < TURNS) waiting.push(next);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, one));
}

async function measure(spreader: Spreader, count: number, capacity: number, prompts: number): Promise<PrefixServer[]> {
  const servers: PrefixServer[] = [];
  for (let at = 0; at < count; at++) servers.push(await startPrefixServer(await freePort(), capacity));
  const started = await spreader.start(servers.map(({ port }) => port));
  try {
    await traffic(started.turn, prompts);
  } finally {
    await started.stop();
    for (const server of servers) server.close();
  }
  const calls = servers.reduce((sum, server) => sum + server.calls, 0);
  if (calls !== SESSIONS * TURNS) throw new Error(`${spreader.name} made ${calls} calls for ${SESSIONS * TURNS} turns`);
  return servers;
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);

/** The greatest of them over their mean. */
const spread = (numbers: number[]) => ((Math.max(...numbers) * numbers.length) / sum(numbers)).toFixed(2);

console.log(`${SESSIONS} sessions of ${TURNS} turns, ${CONCURRENCY} turns at a time, over ${SERVERS} servers\n`);
console.log('| system prompts | cache | spread by | hit rate | calls | tokens not cached |');
console.log('|---|---|---|---|---|---|');
const one = { ...ours('affinity'), name: 'one server with the cache of all' };
const spreaders = [ours('affinity'), ours('affinity', true), ours('leastLoaded'), smg, one];
for (const prompts of PROMPTS) {
  for (const [fits, capacity] of Object.entries(CAPACITIES)) {
    for (const spreader of spreaders) {
      const [count, each] = spreader === one ? [1, capacity * SERVERS] : [SERVERS, capacity];
      const row = `| ${prompts} | ${fits} | ${spreader.name} |`;
      try {
        const servers = await measure(spreader, count, each, prompts);
        const hits = sum(servers.map(({ cached }) => cached)) / sum(servers.map(({ tokens }) => tokens));
        const computed = servers.map(({ tokens, cached }) => tokens - cached);
        const calls = servers.map((server) => server.calls);
        console.log(`${row} ${(hits * 100).toFixed(1)} % | ${spread(calls)} | ${spread(computed)} |`);
      } catch (error) {
        console.log(`${row} could not be measured: ${error instanceof Error ? error.message : error} | | |`);
      }
    }
  }
}
