import { clientContract } from '../clients/contract.ts';
import { hostedReplays } from '../clients/hosted.ts';
import { pythonClient } from '../clients/open.ts';
import { scenarios } from '../clients/scenarios.ts';
import { stored } from '../clients/stored.ts';
import { websocket } from '../clients/websocket.ts';

const own = { ...hostedReplays, 'stream-helper': scenarios.stream, stored, websocket };
clientContract(() => pythonClient('openai_sdk.py'), 'openai (PyPI)', {}, own);
