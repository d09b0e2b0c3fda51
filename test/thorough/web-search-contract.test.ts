import { toolContract } from '../../handler/tools/contract/index.ts';
import { tryContract } from '../support/contract.ts';
import { toolSubject } from '../support/tool-subject.ts';
import { startSnowyWeb, toolOver } from '../support/web-scene.ts';

/** The tool over a scripted web, which ends with it. */
async function open(calls: { name: string; args: object }, result: string) {
  const web = await startSnowyWeb();
  const waits = { name: 'web_search', args: { query: 'hang' } };
  const subject = await toolSubject(toolOver(web), { entry: {}, calls, result, waits });
  return {
    ...subject,
    async close() {
      await subject.close();
      await web.close();
    },
  };
}

const search = { name: 'web_search', args: { query: 'snow' } };
tryContract('web_search keeps the contract of a tool', toolContract, () => open(search, 'Snow fell on 12 March 2031.'));

const failing = { name: 'open_page', args: { page: 'nowhere.test' } };
tryContract('a page that is not opened keeps it too', toolContract, () =>
  open(failing, 'Only pages that a search found'),
);
