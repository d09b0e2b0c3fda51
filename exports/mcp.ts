// antiphon/mcp: the tool `mcp`, for any runtime. An entry of its own, since its client is two fifths of a Worker.

export { openMcp } from '../handler/tools/mcp/index.ts';
