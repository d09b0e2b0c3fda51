import type { OpenTools } from '../../handler/index.ts';
import { openMcpWith } from '../../handler/tools/mcp/index.ts';
import { Programs } from '../../handler/tools/mcp/programs.ts';
import { programTransport } from './program.ts';

/** MCP on Node, where the configuration may name programs. */
export interface NodeMcp {
  openMcp: OpenTools;
  /** Ends the programs. */
  close(): Promise<void>;
}

/** Opens it; a program is started when a turn first uses it. */
export function createMcp(): NodeMcp {
  const programs = new Programs(programTransport);
  return { openMcp: openMcpWith(programs), close: () => programs.close() };
}
