// antiphon/limits: limits per minute and budgets of turns, for any runtime. An entry of its own, since many have no use for it.

export { openLimits } from '../handler/allowances/index.ts';
export type { Admission, LimitingConfig, OpenLimits, TurnLedger, TurnLimits } from '../handler/allowances/port.ts';
