import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, ModelCall } from '../../handler/backend/backend.ts';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { fieldCases } from '../../handler/backend/contract/fields.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import { unsupported } from '../../handler/errors.ts';
import { modelCall, scriptedSubject } from '../support/backend-contract.ts';
import { chatScripts } from '../support/model/chat-scripts.ts';

/** A call whose field is as if nobody had set it. */
function without(call: ModelCall, [field, member]: string[], plain: ModelCall): ModelCall {
  const name = field as keyof ModelCall; // the contract has no other
  if (member === undefined) return { ...call, [name]: plain[name] };
  const left = Object.entries({ ...(plain[name] as object) }).find(([inner]) => inner === member)?.[1];
  return { ...call, [name]: { ...(call[name] as object), [member]: left } };
}

describe('a backend that drops a field does not keep the contract:', { concurrency: true }, () => {
  for (const { name, run } of fieldCases) {
    const [field = ''] = name.split(' ');
    if (name.includes('left out') && !field.startsWith('hints.')) continue; // what any backend may drop
    test(field, async () => {
      const opened = () =>
        scriptedSubject((url, transport) => {
          const backend = chatCompletions(openServer(url, 'key', transport));
          let first: string | undefined;
          const drops: Backend = {
            ...backend,
            prepare(call, profile) {
              first ??= call.model;
              return backend.prepare(without(call, field.split('.'), modelCall({ model: first })), profile);
            },
          };
          return drops;
        }, chatScripts);
      const broken =
        field === 'params' ? /is refused at another place, input/ : new RegExp(`^Error: ${field} is dropped`);
      await assert.rejects(run(opened), broken);
    });
  }
});

/** A case of a contract by the start of its name. */
function caseOf(name: string) {
  return fieldCases.find((one) => one.name.startsWith(name)) ?? assert.fail(name);
}

/** The subject of a backend, or of a changed one. */
function subjectOf(change: (backend: Backend) => Backend = (backend) => backend) {
  return scriptedSubject((url, transport) => change(chatCompletions(openServer(url, 'key', transport))), chatScripts);
}

test('a backend that refuses a hint does not keep the contract', async () => {
  const refuses = (backend: Backend): Backend => ({
    ...backend,
    prepare(call, profile) {
      if (call.hints.user) throw unsupported('user');
      return backend.prepare(call, profile);
    },
  });
  await assert.rejects(
    caseOf('hints.user').run(() => subjectOf(refuses)),
    /hints.user is refused, which is only a hint/,
  );
});

test('a backend may drop a hint that its subject says its protocol has no place for', async () => {
  const drops = (backend: Backend): Backend => ({
    ...backend,
    prepare: (call, profile) => backend.prepare(without(call, ['hints', 'user'], modelCall()), profile),
  });
  await caseOf('hints.user').run(async () => ({ ...(await subjectOf(drops)), withoutHints: ['user'] }));
});

test('the name of a model may stand in the path alone', async () => {
  await caseOf('model').run(async () => {
    const subject = await subjectOf();
    const server = subject.server ?? assert.fail();
    return { ...subject, server: { ...server, sent: (model) => server.sent(model).map(() => 'a body') } };
  });
});
