import type { TestContext } from 'node:test';
import type { Abilities, Ability } from './abilities.ts';
import type { BackendName } from './direct.ts';
import type { Product } from './product.ts';
import type { Target } from './target.ts';

/** What a test has: the product, and the server behind it with what is known of it. */
export interface Scene extends Product {
  backend: BackendName;
  target: Target;
  abilities: Abilities;
  t: TestContext;
}

/** A test that holds for every server and model that has the abilities, whatever the model says. */
export interface ModelTest {
  name: string;
  needs: readonly Ability[];
  run(scene: Scene): Promise<void>;
}

/** All tests, in the order in which their files are imported. */
export const modelTests: ModelTest[] = [];

/** Adds a test. */
export function modelTest(name: string, needs: readonly Ability[], run: ModelTest['run']): void {
  modelTests.push({ name, needs, run });
}
