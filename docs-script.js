// Writes the script of the page at /docs, as `shim/docs-script.ts` and a Worker's assets serve it:
//
//   node docs-script.js FOLDER             compressed, for the package
//   node docs-script.js FOLDER --plain     as it is, for a platform that compresses by itself
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const PACKAGE = 'node_modules/@scalar/api-reference';
const [folder, plain] = process.argv.slice(2);

mkdirSync(folder, { recursive: true });
if (plain && !existsSync(PACKAGE)) {
  console.error(`${PACKAGE} is not installed: the page at /docs will do without its script`);
  process.exit();
}

const { version, license } = JSON.parse(readFileSync(`${PACKAGE}/package.json`, 'utf8'));
const notice = `/*! @scalar/api-reference ${version} | ${license} License | Copyright (c) 2023-present Scalar | https://github.com/scalar/scalar */\n`;
const script = Buffer.concat([Buffer.from(notice), readFileSync(`${PACKAGE}/dist/browser/standalone.js`)]);

if (plain) {
  writeFileSync(`${folder}/reference.js`, script);
} else {
  writeFileSync(`${folder}/reference.js.gz`, gzipSync(script, { level: 9 }));
  writeFileSync(`${folder}/reference.js.br`, brotliCompressSync(script));
}
