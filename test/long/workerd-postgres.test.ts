import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openWorkerdOnPostgres } from '../support/doors/workerd-postgres.ts';

runPromises(openWorkerdOnPostgres, 'workerd');
