// antiphon/d1: Cloudflare D1.

export { type D1Binding, d1Database } from '../handler/state/database/d1.ts';
