import { openMcp } from '../../../exports/mcp.ts';
import { createWorker } from '../../../exports/worker.ts';

// The Worker of the tests: what `wrangler.toml` deploys, and MCP, which a Worker has to ask for.

const { worker, BackgroundTurn } = createWorker({ openTools: [openMcp] });
export default worker;
export { BackgroundTurn };
