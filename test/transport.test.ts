import { fetchTransport } from '../handler/transport.ts';
import { createTransport } from '../shim/transport.ts';
import { tryContract } from './support/contract.ts';
import { transportContract } from './support/transport-contract.ts';

tryContract('over undici', transportContract, async () => createTransport());

tryContract('over fetch', transportContract, async () => ({ transport: fetchTransport(fetch), async close() {} }));
