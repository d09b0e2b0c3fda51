import type { Comparison } from './results.ts';

const LEFT = 250;
/** The length of the bar of the model itself. */
const FULL = 300;
const ROW = 18;

/** A comparison as bars below `y`: the first is as long as they get. */
export function drawBars(
  { title, unit, connections, subjects }: Comparison,
  y: number,
): { svg: string; height: number } {
  const rows = subjects.map(({ name, label, ratio, perSecond }, index) => {
    const line = y + 8 + (index + 1) * ROW;
    const length = Math.min(FULL, ratio.median * FULL);
    const kind = name === 'streamed' ? 'door' : 'bar';
    const value = `${ratio.median.toFixed(2)} (${Math.round(perSecond.median).toLocaleString('en')}/s)`;
    return [
      `<text x="${LEFT - 8}" y="${line}" text-anchor="end">${label}</text>`,
      `<rect class="${kind}" x="${LEFT}" y="${line - 11}" width="${length.toFixed(1)}" height="13" rx="2"/>`,
      `<text x="${(LEFT + length + 6).toFixed(1)}" y="${line}">${value}</text>`,
    ].join('');
  });
  const what = `<tspan class="faint" dx="5">${unit}/s beside the model’s own, ${connections} connections</tspan>`;
  const head = `<text class="title" x="16" y="${y}">${title}:${what}</text>`;
  return { svg: [head, ...rows].join('\n'), height: 8 + (subjects.length + 1) * ROW };
}
