import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../attacks/attack.ts';
import { bodies } from '../attacks/bodies.ts';
import { requests } from '../attacks/requests.ts';
import { sockets } from '../attacks/sockets.ts';
import { ask, startTarget } from '../attacks/target.ts';

const MiB = 1024 * 1024;

/** Another caller, who only wants to know that somebody is there. */
const OTHER = { method: 'GET', path: '/livez', from: '127.0.0.77' };

for (const attack of [...bodies, ...requests, ...sockets]) {
  for (const door of attack.doors) {
    test(`attack by ${door}: ${attack.name}`, async (t) => {
      const target = await startTarget(t, door);
      assert.equal((await ask(target, OTHER)).status, 200);
      const before = target.resident();
      let most = before;
      let longest = 0;
      let going = true;
      const watch = setInterval(() => {
        if (target.alive()) most = Math.max(most, target.resident());
      }, 20);
      t.after(() => clearInterval(watch));
      const others = async () => {
        let answered = 0;
        while (going) {
          const begun = performance.now();
          assert.equal((await ask(target, OTHER)).status, 200, 'others are served meanwhile');
          longest = Math.max(longest, performance.now() - begun);
          answered++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return answered;
      };
      const served = others();
      const answers = await run(attack, target).finally(() => (going = false));
      assert.ok((await served) > 0);
      clearInterval(watch);
      const grown = Math.round((most - before) / MiB);
      const said = [...answers].map(([answer, count]) => `${count} x ${answer}`).join(', ');
      t.diagnostic(`${said}; grew by ${grown} MiB; another caller waited ${Math.round(longest)} ms at most`);
      assert.ok(target.alive(), 'it lives');
      for (const answer of answers.keys()) assert.ok(attack.answers.includes(answer), said);
      assert.ok(grown <= attack.grows, `it grew by ${grown} MiB`);
    });
  }
}
