import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openWorkerdOnPostgres } from '../support/doors/workerd-postgres.ts';

// What is kept, and who it is shared with; all other promises are in test/long.
runPromises(openWorkerdOnPostgres, 'workerd', undefined, {
  takes: (id) => /^(chain|conversation|background|cancel|allowance|usage)\./.test(id),
});
