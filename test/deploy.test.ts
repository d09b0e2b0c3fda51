import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricName, metrics } from '../handler/telemetry/metrics.ts';
import { readAlerts, readDashboard } from './support/deploy.ts';
import { prometheusName } from './support/telemetry-page.ts';

const { panels, variables } = readDashboard();
const alerts = readAlerts();

/** The names of the series that a metric has. */
function seriesOf(metric: MetricName): string[] {
  const name = prometheusName(metric);
  return metric.kind === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
}

test('the dashboard and the alerts name metrics that there are, and labels that those have', () => {
  const known = new Map(
    Object.values<MetricName>(metrics).flatMap((row) => seriesOf(row).map((series) => [series, row] as const)),
  );
  const places = [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...alerts.map(({ alert, expr }) => [alert, expr] as const),
    ...variables.flatMap(({ name, query }) => (typeof query === 'string' ? [] : [[name, query.query] as const])),
  ];
  for (const [place, expr] of places) {
    for (const [, series = '', inner = ''] of expr.matchAll(/\b((?:http|gen_ai|db|antiphon)_\w+)\{([^}]*)\}/g)) {
      const row = known.get(series);
      assert.ok(row, `${place}: there is no ${series}`);
      const labels = ['job', 'instance', ...row.by.map((label) => label.replace(/\./g, '_'))];
      for (const [, label = ''] of inner.matchAll(/(\w+)(?:=~|!~|!=|=)/g))
        assert.ok(labels.includes(label), `${place}: ${series} has no label ${label}`);
    }
  }
});

test('the panels of the dashboard say what they show, and none lies on another', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { type, title, description, targets = [], gridPos } of panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column} ${line}`), `${title} lies on another`);
        taken.add(`${column} ${line}`);
      }
    if (type === 'row') continue;
    assert.ok(description, title);
    assert.ok(targets.length > 0, title);
    for (const { datasource } of targets) assert.equal(datasource.uid, '$' + '{datasource}', title);
  }
});

test('each alert has a time, a severity, and words that say what is wrong and where to look', () => {
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
  for (const { alert, for: time, labels, annotations } of alerts) {
    assert.match(time, /^\d+[sm]$/, alert);
    assert.match(labels.severity, /^(warning|critical)$/, alert);
    assert.ok(annotations.summary && annotations.description, alert);
  }
});
