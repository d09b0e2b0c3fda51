// An MCP server of a test that is spoken to over its input and output, in the protocol before the newest; with `strict` it ends when it is
// asked for anything else first.
import { createInterface } from 'node:readline';

const isStrict = process.argv[2] === 'strict';
console.log('hello, this is no message');
console.error('said beside');

const tools = {
  env: () => JSON.stringify(process.env),
  pid: () => String(process.pid),
  die: () => process.exit(1),
  hang: () => new Promise(() => {}),
  // A line that would take long to parse.
  many: () => console.log(`[${'[],'.repeat(200_000)}0]`),
};
let initialized = false;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') initialized = true;
  if (isStrict && !initialized) process.exit(2);
  if (id === undefined) continue;
  void answer(id, method, params);
}
process.exit();

async function answer(id, method, params) {
  const result = await resultOf(method, params);
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...result }));
}

async function resultOf(method, params) {
  if (method === 'initialize') {
    const serverInfo = { name: 'program', version: '1' };
    return { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo } };
  }
  if (method === 'tools/list')
    return { result: { tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) } };
  if (method !== 'tools/call') return { error: { code: -32601, message: 'Method not found' } };
  return { result: { content: [{ type: 'text', text: await tools[params.name]() }] } };
}
