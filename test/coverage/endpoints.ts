import { readFileSync } from 'node:fs';

const RESOURCES = new URL('../../node_modules/openai/resources/', import.meta.url);

/** The SDK's resources that the Responses API is made of. */
const files = [
  'responses/responses',
  'responses/input-items',
  'responses/input-tokens',
  'conversations/conversations',
  'conversations/items',
];

/** What the installed SDK can ask of those resources, as `GET:/v1/responses/{id}`, and the WebSocket that it can open. */
export function endpoints(): string[] {
  const asked = files.flatMap((file) => {
    const code = readFileSync(new URL(`${file}.js`, RESOURCES), 'utf8');
    return [...code.matchAll(/_client\.(get|post|put|patch|delete|getAPIList)\([^`']*[`']([^`']+)[`']/g)].map(
      ([, method = '', path = '']) => {
        const verb = method === 'getAPIList' ? 'GET' : method.toUpperCase();
        return `${verb}:/v1${path.replace(/\$\{(\w+)\}/g, '{id}')}`;
      },
    );
  });
  const socket = /const endpoint = '([^']+)'/.exec(
    readFileSync(new URL('responses/internal-base.js', RESOURCES), 'utf8'),
  );
  return [...asked, ...(socket ? [`WEBSOCKET:/v1${socket[1]}`] : [])];
}
