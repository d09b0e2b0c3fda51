import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApiError, errorKinds } from '../handler/errors.ts';

test('docs/errors.md has every kind of error as it is answered, and no other', () => {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const answered = errorKinds.map((kind) => {
    const error = new ApiError(kind, 'anything');
    const [tiers, openai] = (['tiers', 'openai'] as const).map((style) => {
      const { status, body } = error.reply(style);
      return [status, ...(body.error.code === null ? [] : [`\`${body.error.code}\``])].join(', ');
    });
    const again = { true: 'yes', false: 'no' }[error.headers['x-should-retry'] ?? ''] ?? 'perhaps';
    return `| \`${kind}\` | ${tiers} | ${openai === tiers ? '' : openai} | \`${error.type}\` | ${again} |`;
  });
  assert.deepEqual(
    rows.map((row) =>
      row
        .split(' | ')
        .slice(0, 5)
        .join(' | ')
        .replace(/(?<! \|)$/, ' |'),
    ),
    answered,
  );
});
