// Runs on any Node: says what is wrong before a file with types in it fails with a riddle.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `Antiphon needs Node 22.18 or later, and this is ${process.versions.node}.\n` +
      'npm installs a suitable one beside it on Linux (x64, arm64) and macOS (arm64): use "npm ci" without --omit=optional\n' +
      'and the npm scripts, or install Node 24.\n',
  );
  process.exit(1);
}
