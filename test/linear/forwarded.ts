import assert from 'node:assert/strict';
import { EventBlocks } from '../../handler/backend/server/event-blocks.ts';
import { ForwardedEvents } from '../../handler/backend/server/forwarded-events.ts';
import { readForwardedJson } from '../../handler/backend/server/forwarded-json.ts';
import { readModelForm } from '../../handler/neighbours/forwarded/multipart.ts';
import { type Case, many } from './scene.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const fields = { input: 'input', refused: () => undefined };

/** What clients and servers can make long in what is passed on. */
export const forwarded: Case[] = [
  {
    says: 'an event that comes in small pieces, without an end or with many',
    size: 400_000,
    async run(_, n) {
      for (const text of ['x', '\n', '\r', '\r\n\r', 'data: {}\n\n']) {
        const blocks = new EventBlocks();
        const events = new ForwardedEvents({ named: 'm', givesUsage: false, fields });
        const piece = bytes(text.repeat(Math.ceil(100 / text.length)));
        for (let at = 0; at < n; at += piece.length) {
          const block = blocks.add(piece);
          if (block) events.pass(block);
        }
      }
    },
  },
  {
    says: 'events in one piece, of which each is read',
    size: 3_000,
    async run(_, n) {
      const events = new ForwardedEvents({ named: 'm', givesUsage: false, fields });
      const all = many(n, () => 'data: {"model":"other","choices":[],"usage":{"prompt_tokens":1}}\r\n\r\n').join('');
      assert.equal(events.pass(bytes(all)).usage?.input_tokens, 1);
    },
  },
  {
    says: 'JSON with many members, texts and levels',
    size: 300_000,
    async run(_, n) {
      const members = `{"a":[${'1,'.repeat(n)}1],"b":"${'\\"'.repeat(n)}","model":"x","usage":{"prompt_tokens":1}}`;
      assert.equal(readForwardedJson(members, 'm').usage?.input_tokens, 1);
      for (const text of ['{'.repeat(n), '{"'.repeat(n), '"model" '.repeat(n), '{"usage":{'.repeat(n), ' '.repeat(n)])
        readForwardedJson(text, 'm');
    },
  },
  {
    says: 'a form that holds what its boundary begins with',
    size: 500_000,
    async run(_, n) {
      const boundary = `${'-'.repeat(60)}x`;
      const type = `multipart/form-data; boundary=${boundary}`;
      const part = (name: string, value: string) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      for (const filler of ['-', '\r\n', `\r\n--${boundary.slice(0, -1)}`]) {
        const file = filler.repeat(n / filler.length);
        const form = bytes(`${part('file', file)}${part('model', 'm')}--${boundary}--\r\n`);
        assert.equal(readModelForm(form, type).bytesFor('other').length, form.length + 4);
        assert.throws(() => readModelForm(bytes(`--${boundary}\r\n${file}`), type));
      }
    },
  },
];
