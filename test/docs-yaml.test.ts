import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readConfig } from '../handler/index.ts';

const ROOT = new URL('../', import.meta.url);
const pages = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT)).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

/** Every variable of the environment has a value that can stand for a key, a secret and a part of a URL. */
const env = new Proxy({}, { get: () => 'a-value-of-32-characters-or-more' });

/** What a file holds stands in its place, and a hash where one is left out. */
const filledIn = (name: string, value: unknown) =>
  name === 'sha256'
    ? '0'.repeat(64)
    : Object(value).file !== undefined && !['ca', 'cert'].includes(name)
      ? 'a-secret-of-32-characters-or-more'
      : value;

for (const page of pages) {
  const blocks = [...readFileSync(new URL(page, ROOT), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, yaml = '']) => yaml,
  );
  // Others are of Kubernetes, Envoy and Compose.
  const ours = blocks.filter((yaml) =>
    /^(models|listen|auth|tenants|costs|database|secrets|limits|webhooks|telemetry)\s*:/m.test(yaml),
  );
  if (ours.length === 0) continue;
  test(`${page}: its configurations are ones that a start takes`, () => {
    for (const yaml of ours) {
      const written = JSON.parse(JSON.stringify(parse(yaml), filledIn));
      assert.doesNotThrow(() => readConfig(written, { env }), yaml.slice(0, 200));
    }
  });
}
