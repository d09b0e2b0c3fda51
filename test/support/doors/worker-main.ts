import { openMcp } from '../../../exports/mcp.ts';
import { openWebSearch } from '../../../exports/web-search.ts';
import { createWorker } from '../../../exports/worker.ts';

// The Worker of the tests: what `wrangler.toml` deploys, and MCP and the web search, which a Worker has to ask for.

const { worker, BackgroundTurn } = createWorker({ openTools: [openMcp, openWebSearch] });
export default worker;
export { BackgroundTurn };
