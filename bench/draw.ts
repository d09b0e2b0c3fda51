import { drawBars } from './draw-bars.ts';
import { drawLines } from './draw-lines.ts';
import type { Results } from './results.ts';

/** Colours that can be read on white and on black, and a font that every machine has. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .faint { fill: #59636e }
  .axis { stroke: #59636e; stroke-opacity: .4 }
  .bar { fill: #8c959f }
  .door { fill: #2f6feb }
  .line { fill: none; stroke: #8c959f; stroke-width: 2 }
  .streamed { stroke: #2f6feb }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
  }`;

const WIDTH = 720;

/** The results as a small SVG: how fast each door is beside the model itself, and what each turn of a chain adds. */
export function draw({ comparisons, chain, node, envoy, cpus, date }: Results): string {
  const parts: string[] = [];
  let y = 20;
  for (const comparison of Object.values(comparisons)) {
    const { svg, height } = drawBars(comparison, y);
    parts.push(svg);
    y += height + 16;
  }
  const { svg, height } = drawLines(chain, y);
  y += height + 20;
  parts.push(svg, `<text class="faint" x="16" y="${y}">Node ${node}, Envoy ${envoy}, ${cpus} CPUs, ${date}</text>`);
  const title = 'Antiphon beside the model itself: rates, and milliseconds added by a chain of turns';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 14}" role="img" aria-label="${title}">
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`;
}
