import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openWorkerdOnPostgres } from '../support/doors/workerd-postgres.ts';
import { LONG } from '../support/long.ts';

// What is kept, and who it is shared with: the Worker on D1 is tried with all the others.
runPromises(openWorkerdOnPostgres, 'workerd', undefined, {
  takes: (id) => LONG || /^(chain|conversation|background|cancel|allowance|usage)\./.test(id),
});
