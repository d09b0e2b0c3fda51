import './streaming.ts';
import './length.ts';
import './overflow.ts';
import './tools.ts';
import './web-search.ts';
import './json-schema.ts';
import './reasoning.ts';
import './state.ts';
import './input.ts';
import './leaving.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Abilities, probe, silence } from './abilities.ts';
import { type BackendName, backends } from './direct.ts';
import { brokeOff } from './heard.ts';
import { isKnown, openProduct, type Product } from './product.ts';
import { modelTests } from './scene.ts';
import { findTarget, NO_TARGET, type Target } from './target.ts';

/** The longest that a test may take, in milliseconds: a large model on a slow machine thinks for minutes. */
const TIMEOUT = 600_000;

/** As much of both ends of an exchange with the server as is shown when a test fails, in characters. */
const SHOWN = 1_500;

const target = await findTarget(process.env);
if (!target) test('a real model server', { skip: NO_TARGET }, () => {});
else {
  const names = chosen();
  const abilities = await probe(target);
  for (const backend of names) suite(target, backend, abilities, await silence(target, backend));
}

/** The backends that `BACKENDS` names, else all that the product has. */
function chosen(): BackendName[] {
  const named = process.env.BACKENDS?.split(',');
  for (const name of named ?? []) assert.ok(isBackend(name), `BACKENDS: ${name} is none of ${backends.join(', ')}`);
  return backends.filter((name) => (named ? named.includes(name) : isKnown(name)));
}

function isBackend(name: string): boolean {
  return backends.some((known) => known === name);
}

function suite(target: Target, backend: BackendName, abilities: Abilities, silent: string | undefined): void {
  const title = `${target.model} at ${target.url}, backend ${backend}`;
  if (silent !== undefined) return void test(title, { skip: silent }, () => {});
  describe(title, () => {
    let product: Product;
    before(async () => {
      product = await openProduct(target, backend);
    });
    after(() => product.close());

    for (const { name, needs, run } of modelTests) {
      const lacks = needs.find((ability) => abilities.missing.has(ability));
      const skip = lacks !== undefined && `${abilities.missing.get(lacks)}`;
      test(name, { skip, timeout: TIMEOUT }, async (t) => {
        const { exchanges } = product;
        exchanges.length = 0;
        try {
          await run({ ...product, backend, target, abilities, t });
        } catch (error) {
          // A server's own failure is none of ours, as long as it had taken what we asked.
          const [why] = exchanges.map(brokeOff).filter((said) => said !== undefined);
          if (why !== undefined) return t.skip(`the server failed in the middle of its answer: ${why}`);
          for (const { path, status, asked, said } of exchanges) {
            t.diagnostic(`asked ${path}: ${ends(asked)}`);
            t.diagnostic(`said ${status}: ${ends(said)}`);
          }
          throw error;
        }
      });
    }
  });
}

function ends(text: string): string {
  return text.length <= 2 * SHOWN ? text : `${text.slice(0, SHOWN)} ... ${text.slice(-SHOWN)}`;
}
