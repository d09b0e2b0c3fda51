import { clientContract } from '../clients/contract.ts';
import { hostedReplays, streamedReplays, webReplayBare } from '../clients/hosted.ts';
import { mcpReplay } from '../clients/mcp.ts';
import { pythonClient } from '../clients/open.ts';
import type { Stage } from '../clients/scenarios.ts';

const own = {
  ...hostedReplays,
  ...streamedReplays,

  async 'web-replay-stateless'(stage: Stage) {
    await webReplayBare(stage, false); // its items have no room for sources
  },

  async 'mcp-replay'(stage: Stage) {
    await mcpReplay(stage, false); // it sends back what its own agent ran
  },
};
clientContract(() => pythonClient('pydantic_agent.py'), 'pydantic-ai (PyPI)', {}, own);
