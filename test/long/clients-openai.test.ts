import { clientContract } from '../clients/contract.ts';
import { hostedReplays } from '../clients/hosted.ts';
import { nodeClient } from '../clients/open.ts';
import { scenarios } from '../clients/scenarios.ts';
import { stored } from '../clients/stored.ts';
import { websocket } from '../clients/websocket.ts';

const own = { ...hostedReplays, 'stream-helper': scenarios.stream, stored, websocket };
clientContract(() => nodeClient('openai.mjs'), 'openai (npm)', {}, own);
