// antiphon/limits: limits per minute and at a time, and budgets of turns, for any runtime. An entry of its own, since many have no use for it.

export { openLimits } from '../handler/allowances/index.ts';
export type {
  Admission,
  LimitingConfig,
  OpenLimits,
  SharedPlaces,
  TurnLedger,
  TurnLimits,
} from '../handler/allowances/port.ts';
