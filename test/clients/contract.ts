import { after, before, describe, test } from 'node:test';
import { type ClientsDoor, openForClients } from './door.ts';
import { type Client, type Running, start } from './run.ts';
import { type Scenarios, scenarios } from './scenarios.ts';

/** What a client has no way to do, and what the product cannot do yet, each with the reason. */
export interface Exceptions {
  skips?: Readonly<Record<string, string>>;
  todo?: Readonly<Record<string, string>>;
}

/** Scenarios that are played at a time: a client's start is most of its work. */
const AT_ONCE = 2;

/** Tries a client, which is installed first, in all scenarios and in those of its own. */
export function clientContract(
  open: () => Promise<Client>,
  name: string,
  { skips = {}, todo = {} }: Exceptions = {},
  own: Scenarios = {},
): void {
  describe(name, { concurrency: AT_ONCE }, () => {
    let door: ClientsDoor;
    let client: Client;
    before(async () => {
      client = await open();
      door = await openForClients();
    });
    after(() => door?.close());
    for (const [scenario, play] of Object.entries({ ...scenarios, ...own })) {
      const options = { skip: skips[scenario] ?? false, todo: todo[scenario] ?? false, timeout: 120_000 };
      test(scenario, options, async (t) => {
        const running: Running[] = [];
        t.after(() => {
          for (const { kill } of running) kill();
        });
        await play({
          door,
          start(...scripts) {
            const model = door.model.script(...scripts);
            const started = start(client, scenario, door, model);
            running.push(started);
            return { model, client: started };
          },
        });
      });
    }
  });
}
