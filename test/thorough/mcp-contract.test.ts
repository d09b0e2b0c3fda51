import { openEgress } from '../../handler/egress/open.ts';
import { parseConfig } from '../../handler/index.ts';
import { mcpFunctionName } from '../../handler/items/mcp-name.ts';
import { sealWith } from '../../handler/seal.ts';
import { toolContract } from '../../handler/tools/contract/index.ts';
import { openMcp } from '../../handler/tools/mcp/index.ts';
import { createEgress } from '../../shim/egress.ts';
import { tryContract } from '../support/contract.ts';
import { testSecrets } from '../support/doors/door.ts';
import { gives } from '../support/mcp-server.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { toolSubject } from '../support/tool-subject.ts';

for (const era of ['2025', '2026', 'sse'] as const) {
  tryContract(`mcp keeps the contract of a tool, with a server of ${era}`, toolContract, async () => {
    const servers = await startScriptedModel();
    const { connect, close } = createEgress();
    const egress = openEgress(connect, [new URL(servers.url).host]);
    const [tool] = openMcp(parseConfig({}), { egress, seal: sealWith(testSecrets) });
    if (!tool) throw new Error('a tool');
    const { label, url } = servers.mcp.serve(
      [
        { name: 'add', run: ({ a, b }) => gives(String(a + b)) },
        { name: 'wait', run: () => new Promise(() => {}) },
      ],
      { era },
    );
    const subject = await toolSubject(tool, {
      entry: { server_label: label, server_url: url, require_approval: 'never' },
      calls: { name: mcpFunctionName(label, 'add'), args: { a: 123_000, b: 456 } },
      result: '123456',
      waits: { name: mcpFunctionName(label, 'wait'), args: {} },
    });
    return {
      ...subject,
      async close() {
        await subject.close();
        await close();
        await servers.close();
      },
    };
  });
}
