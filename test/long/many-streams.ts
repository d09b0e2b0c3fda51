import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { newFolder } from '../support/folder.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { startCommand, writeConfig } from '../support/product.ts';

// node test/long/many-streams.ts [COUNT] [SECONDS]
//
// So many streams at once through the product as its command starts it, Envoy and a database on disk included; the model says
// a word a second. Prints how they ended; the exit code is 1 unless every one came whole. It takes two file descriptors a stream.

const [count = 5_000, seconds = 60] = process.argv.slice(2).map(Number);

/** Streams that are begun in one tick of the ramp, and its length in milliseconds: a crowd, not a SYN flood. */
const [EACH, EVERY_MS] = [50, 50];

const model = await startScriptedModel();
const scripted = model.script(async (turn) => {
  for (let n = 0; n < seconds; n++) {
    await turn.text(`word-${n} `);
    await turn.sleep(1_000);
  }
  await turn.finish();
});
const folder = newFolder();
const config = await writeConfig(folder, { models: [{ match: '*', backend: 'chat', url: model.url, key: 'k' }] });
const product = await startCommand(['-config', config, '-log-level', 'warn']);

/** How a stream ended: `whole`, or in which other way. */
function stream(): Promise<string> {
  const body = JSON.stringify({ model: scripted, input: 'Hi', stream: true });
  return new Promise((resolve) => {
    const asking = request(`${product.envoy}/v1/responses`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    asking.on('error', (error) => resolve(error.message));
    asking.on('response', (reply) => {
      let words = 0;
      let last = '';
      reply.setEncoding('utf8').on('data', (chunk: string) => {
        words += chunk.match(/"delta":"word-/g)?.length ?? 0;
        last = (last + chunk).slice(-4_000);
      });
      reply.on('error', (error) => resolve(`cut: ${error.message}`));
      reply.on('end', () => {
        const completed = last.includes('event: response.completed') || /"status":"completed"/.test(last);
        const whole = reply.statusCode === 200 && completed && last.endsWith('data: [DONE]\n\n');
        resolve(
          whole && words === seconds ? 'whole' : `status ${reply.statusCode}, ${words} words: ${last.slice(-200)}`,
        );
      });
    });
    asking.end(body);
  });
}

const began = performance.now();
const running: Promise<string>[] = [];
while (running.length < count) {
  running.push(...Array.from({ length: Math.min(EACH, count - running.length) }, stream));
  await sleep(EVERY_MS);
}
const ends = new Map<string, number>();
for (const end of await Promise.all(running)) ends.set(end, (ends.get(end) ?? 0) + 1);
const took = Math.round((performance.now() - began) / 1_000);
const deaths = product.stdout().match(/Envoy has exited/g)?.length ?? 0;
console.log(
  `${ends.get('whole') ?? 0} of ${count} streams of ${seconds} s came whole in ${took} s; Envoy died ${deaths} times`,
);
for (const [end, times] of ends) if (end !== 'whole') console.log(`${times} x ${end}`);
product.kill('SIGTERM');
await product.exited;
await model.close();
process.exit(ends.get('whole') === count && deaths === 0 ? 0 : 1);
