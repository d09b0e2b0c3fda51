import { clientContract } from '../clients/contract.ts';
import { pythonClient } from '../clients/open.ts';

clientContract(() => pythonClient('pydantic_agent.py'), 'pydantic-ai (PyPI)');
