import { type Topic, topics } from './not-supported.ts';

const UNTIL = { never: '', later: ' (not yet)' };

/** The tables of docs/not-supported.md, row by row as they are written there, by the heading that each stands under. */
export function pageRows(): Map<string, string[]> {
  return new Map(
    Object.values<Topic>(topics).map((topic) => [`## ${topic.title}${UNTIL[topic.until]}`, rowsOf(topic)]),
  );
}

function rowsOf({ refused, silent = [], events = [] }: Topic): string[] {
  return [
    ...refused.map(({ sent, status, param, message }) => {
      const named = param === null ? '' : `\`${param}\``;
      return `| ${sent} | ${status} | ${named} | ${param === null ? message : message.replace(param, '…')} |`;
    }),
    ...silent.map(([what, says]) => `| ${what} | ${says} | | |`),
    ...(events.length > 0 ? [`| events: ${events.map((type) => `\`${type}\``).join(', ')} | never sent | | |`] : []),
  ];
}
