import { clientContract } from '../clients/contract.ts';
import { pythonClient } from '../clients/open.ts';
import { scenarios } from '../clients/scenarios.ts';
import { stored } from '../clients/stored.ts';

const own = { 'stream-helper': scenarios.stream, stored };
clientContract(() => pythonClient('openai_sdk.py'), 'openai (PyPI)', {}, own);
