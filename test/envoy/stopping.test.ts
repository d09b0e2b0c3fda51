import { test } from 'node:test';
import { endsUnended } from '../support/stopping.ts';

test(
  'a stopping server ends what does not end, through Envoy: nothing is torn, nothing that was made is lost',
  {
    timeout: 60_000,
  },
  (t) => endsUnended(t, 'envoy', []),
);
