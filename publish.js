// The package.json that is published is not that of a clone, which brings a Node of its own and starts on an older one.
//
//   write     what goes into the package, in place of the clone's, which is kept beside it
//   restore   the clone's
//   refuse    says how to publish: npm would send the registry the clone's dependencies beside the package
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const [OURS, KEPT] = ['package.json', 'package.json.kept'];

/** The oldest Node on which every entry point runs. */
const NODE = '>=22.19';

function write() {
  if (existsSync(KEPT)) restore(); // the last one was cut short
  const { scripts, devDependencies, optionalDependencies, overrides, ...published } = JSON.parse(
    readFileSync(OURS, 'utf8'),
  );
  renameSync(OURS, KEPT);
  writeFileSync(OURS, `${JSON.stringify({ ...published, engines: { node: NODE } }, null, 2)}\n`);
}

function restore() {
  renameSync(KEPT, OURS);
}

function refuse() {
  console.error('Publish the packed file: npm publish "$(npm pack --silent)"');
  process.exit(1);
}

({ write, restore, refuse })[process.argv[2]]();
