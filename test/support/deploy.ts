import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** One alert of `deploy/alerts.yaml`. */
export interface Alert {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

/** One panel of `deploy/grafana.json`; a row has no targets. */
export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string; refId: string; datasource: { uid: string } }[];
}

/** A variable of the dashboard, which its reader chooses. */
export interface Variable {
  name: string;
  query: string | { query: string };
  allValue?: string;
}

/** The file of the alerts. */
export const ALERTS = new URL('../../deploy/alerts.yaml', import.meta.url).pathname;

/** Reads the alerts. */
export function readAlerts(): Alert[] {
  const { groups }: { groups: { rules: Alert[] }[] } = parse(readFileSync(ALERTS, 'utf8'));
  return groups.flatMap(({ rules }) => rules);
}

/** Reads the dashboard. */
export function readDashboard(): { panels: Panel[]; variables: Variable[] } {
  const file = new URL('../../deploy/grafana.json', import.meta.url);
  const { panels, templating } = JSON.parse(readFileSync(file, 'utf8'));
  return { panels, variables: templating.list };
}

/** Whether Prometheus is installed, with `promtool`. */
export function hasPrometheus(): boolean {
  try {
    execFileSync('which', ['prometheus', 'promtool']);
    return true;
  } catch {
    return false;
  }
}
