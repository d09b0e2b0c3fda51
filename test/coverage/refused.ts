import type { PromiseId } from '../promises/promise.ts';

/** A request for what is not supported, and the answer; `POST /v1/responses` with a model and an input unless said. */
export interface Refused {
  /** As the page has it. */
  sent: string;
  request?: `${'GET' | 'POST'} /${string}`;
  body?: { tools?: object[]; [parameter: string]: unknown };
  status: number;
  code: number | string | null;
  param: string | null;
  /** How the message begins. */
  message: string;
  /** The promise that sends it, where it takes more than a request. */
  by?: PromiseId;
}

/** A parameter or member that is 422, under its own name unless said. */
export function refused(
  sent: string,
  body: NonNullable<Refused['body']>,
  param: string,
  message = 'is not supported',
): Refused {
  return { sent, body, status: 422, code: 422, param, message: `${param} ${message}` };
}

/** A type of tool that is 422. */
export function tool(type: string, members: object = {}): Refused {
  const message = 'is not a type of tool that this server supports';
  return refused(`\`${type}\` in \`tools\``, { tools: [{ type, ...members }] }, 'tools[0].type', message);
}

/** A type of `tool_choice` that is 422. */
export function choice(type: string, members: object = {}): Refused {
  const tools = [{ type: 'function', name: 'f' }];
  return refused(`\`${type}\` as \`tool_choice\``, { tools, tool_choice: { type, ...members } }, 'tool_choice.type');
}

/** A type of item that is 422. */
export function item(type: string, members: object = {}): Refused {
  return refused(`\`${type}\` in \`input\``, { input: [{ type, ...members }] }, 'input[0].type');
}

/** A part of a message that is 422, under a member of its own. */
export function part(sent: string, members: object, param: string): Refused {
  return refused(sent, { input: [{ role: 'user', content: [members] }] }, `input[0].content[0].${param}`);
}
