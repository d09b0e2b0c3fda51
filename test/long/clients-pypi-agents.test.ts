import { agentScenarios } from '../clients/agents.ts';
import { clientTools } from '../clients/client-tools.ts';
import { clientContract } from '../clients/contract.ts';
import { hostedReplays } from '../clients/hosted.ts';
import { pythonClient } from '../clients/open.ts';

const own = { ...hostedReplays, ...agentScenarios, ...clientTools };
clientContract(() => pythonClient('openai_agents.py'), 'openai-agents (PyPI)', {}, own);
