import { before, describe, test } from 'node:test';
import { installNodeClients } from '../clients/install.ts';
import { followGuide } from '../support/guide.ts';
import { findTarget, NO_TARGET } from './target.ts';

const target = await findTarget(process.env);

if (!target) test('guides on a real model server', { skip: NO_TARGET }, () => {});
else
  describe(`guides on ${target.model} at ${target.url}`, () => {
    let packages = '';
    before(async () => {
      packages = (await installNodeClients()).replace(/\/\.bin$/, '');
    });
    // What a real model says is its own: the commands have to succeed.
    for (const page of ['agent.md', 'ai-sdk.md', 'langchain.md'])
      test(page, { timeout: 600_000 }, (t) =>
        followGuide(t, page, { url: target.url, name: target.model }, { compares: false, packages }),
      );
  });
