import { type Answer, type AttackDoor, ask, type Sent, type Target } from './target.ts';

/** An attack as data: its requests, how often they are sent, and the limits within which the product must stay. */
export interface Attack {
  name: string;
  doors: readonly AttackDoor[];
  /** Requests in all, and at a time. */
  times: number;
  atOnce: number;
  /** What is there before the attack begins; its result is handed to each request. */
  prepare?(target: Target): Promise<string>;
  /** One request, the `n`th. */
  send(target: Target, n: number, prepared: string): Promise<Answer>;
  /** The answers that it may get; `cut` where the product may end the connection. */
  answers: readonly Answer[];
  /** MiB by which the product may grow meanwhile. */
  grows: number;
}

/** An attack of requests that are all alike, each on a connection of its own. */
export function alike(sent: Sent | ((prepared: string) => Sent)): Attack['send'] {
  return async (target, _, prepared) => (await ask(target, typeof sent === 'function' ? sent(prepared) : sent)).status;
}

/** Runs an attack to its end: the answers that came, each with how often. */
export async function run(attack: Attack, target: Target): Promise<Map<Answer, number>> {
  const prepared = (await attack.prepare?.(target)) ?? '';
  const answers = new Map<Answer, number>();
  let begun = 0;
  const attacker = async () => {
    while (begun < attack.times) {
      const answer = await attack.send(target, begun++, prepared);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: attack.atOnce }, attacker));
  return answers;
}
