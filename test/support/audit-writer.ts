// A process that appends events to an audit log as fast as it can: PATH NAME COUNT. It says each one that is on the disk.

import { AuditFile } from '../../shim/audit/file.ts';

const [path = '', name = '', count = '0'] = process.argv.slice(2);
const file = new AuditFile(path);
for (let at = 0; at < Number(count); at++) {
  await file.append([{ action: 'read', object: `${name}-${at}` }]);
  process.stdout.write(`${name}-${at}\n`);
}
file.close();
