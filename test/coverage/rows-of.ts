/**
 * The rows of the surface that a value shows, as `group name`. An object's `type` is its kind, which comes first in the
 * names; a kind inside another has its own members as rows of `parts`.
 */
export function rowsOf(group: string, value: unknown): Set<string> {
  const rows = new Set<string>();
  look(group, '', value, rows);
  return rows;
}

function look(group: string, path: string, value: unknown, rows: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) look(group, path, one, rows);
  else if (typeof value === 'string') rows.add(`${group} ${path ? `${path}=${value}` : value}`);
  else if (typeof value === 'object' && value !== null) {
    const { type, ...members } = value as Record<string, unknown>; // it is no list and not null
    const kind = typeof type === 'string' ? type : undefined;
    if (kind) rows.add(`${group} ${path ? `${path}:${kind}` : kind}`);
    if (kind && path) rows.add(`parts ${kind}`);
    inside(kind && path ? 'parts' : group, kind ?? path, members, rows);
  }
}

function inside(group: string, path: string, members: object, rows: Set<string>): void {
  for (const [name, member] of Object.entries(members)) {
    const at = path ? `${path}.${name}` : name;
    rows.add(`${group} ${at}`);
    look(group, at, member, rows);
  }
}
