import type { AddedByChain, AddedTurn } from './results.ts';

const LEFT = 60;
const WIDTH = 500;
const HEIGHT = 120;

/** The milliseconds that each turn of a chain adds as lines below `y`. */
export function drawLines({ turns, characters, databaseBytes, doors }: AddedByChain, y: number) {
  const most = Math.max(0.5, ...doors.flatMap(({ points }) => points.map(({ ms }) => ms)));
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((step) => most / step <= 5) ?? 20;
  const top = Math.ceil(most / step) * step;
  const right = (turn: number) => (LEFT + (turn / turns) * WIDTH).toFixed(1);
  const down = (ms: number) => (y + 20 + HEIGHT * (1 - ms / top)).toFixed(1);

  const size = `${(databaseBytes / 1_000_000).toFixed(2)} MB of database`;
  const head = [
    `<text class="title" x="16" y="${y}">Milliseconds added to each turn of a chain:`,
    `<tspan class="faint" dx="5">${turns} turns, ${characters} characters each way, ${size}</tspan></text>`,
  ].join('');
  const axes: string[] = [];
  for (let ms = 0; ms <= top + step / 2; ms += step) {
    axes.push(`<path class="axis" d="M${LEFT} ${down(ms)}h${WIDTH}"/>`);
    axes.push(
      `<text class="faint" x="${LEFT - 8}" y="${Number(down(ms)) + 4}" text-anchor="end">${ms.toFixed(1)}</text>`,
    );
  }
  for (const turn of [1, 50, 100, 150, 200].filter((turn) => turn <= turns)) {
    axes.push(`<text class="faint" x="${right(turn)}" y="${y + HEIGHT + 36}" text-anchor="middle">${turn}</text>`);
  }
  const lines: string[] = [];
  let above = Number.NEGATIVE_INFINITY;
  // From the highest line to the lowest, so that labels of lines that end together can be put below each other.
  for (const { door, label, points } of doors.toSorted((a, b) => lastOf(b) - lastOf(a))) {
    const path = points.map(({ turn, ms }) => `${right(turn)} ${down(Math.max(0, ms))}`).join('L');
    above = Math.max(above + 15, Number(down(lastOf({ points }))) + 4);
    lines.push(`<path class="line ${door}" d="M${path}"/>`);
    lines.push(`<text x="${LEFT + WIDTH + 8}" y="${above}">${label}</text>`);
  }
  return { svg: [head, ...axes, ...lines].join('\n'), height: HEIGHT + 40 };
}

function lastOf({ points }: Pick<AddedTurn, 'points'>): number {
  return Math.max(0, points.at(-1)?.ms ?? 0);
}
