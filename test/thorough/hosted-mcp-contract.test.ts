import { openEgress } from '../../handler/egress/open.ts';
import { parseConfig, type Tool } from '../../handler/index.ts';
import { sealWith } from '../../handler/seal.ts';
import { toolContract } from '../../handler/tools/contract/index.ts';
import { openMcp } from '../../handler/tools/mcp/index.ts';
import { createEgress } from '../../shim/egress.ts';
import { tryContract } from '../support/contract.ts';
import { testSecrets } from '../support/doors/door.ts';
import { gives } from '../support/mcp-server.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { toolSubject } from '../support/tool-subject.ts';

/** The hosted tool `code_interpreter` over an MCP server, both of which end with it. */
async function open() {
  const servers = await startScriptedModel();
  const { connect, close } = createEgress();
  const inputSchema = { type: 'object', properties: { code: { type: 'string' } } };
  const hangs = () => new Promise<never>(() => {});
  const server = servers.mcp.serve([
    { name: 'run', inputSchema, run: ({ code }) => (code === 'wait' ? hangs() : gives('the logs of it')) },
  ]);
  const config = parseConfig({
    mcp: [{ label: 'work', url: server.url }],
    hosted: { code_interpreter: { mcp: 'work', tool: 'run' } },
  });
  const egress = openEgress(connect, []);
  const tools = openMcp(config, { egress, seal: sealWith(testSecrets) });
  const tool = tools.find(({ type }) => type === 'code_interpreter') as Tool; // which the configuration names
  const calls = { name: 'code_interpreter', args: { code: '1' } };
  const waits = { name: 'code_interpreter', args: { code: 'wait' } };
  const subject = await toolSubject(tool, { entry: {}, calls, result: 'the logs of it', waits });
  return {
    ...subject,
    async close() {
      await subject.close();
      await close();
      await servers.close();
    },
  };
}

tryContract('a hosted tool by an MCP server keeps the contract of a tool', toolContract, open);
