import type { Context } from 'hono';
import { unsupported } from '../errors.ts';
import { ListQuery } from '../protocol/list.ts';
import { check } from '../validate.ts';
import type { Env } from './env.ts';

/** The query of a list; throws an ApiError that names the wrong member. */
export function readListQuery(c: Context<Env>): ListQuery {
  refuseInclude(c);
  return check(ListQuery, c.req.query());
}

/** Throws for `include`, whose values add what is not kept. */
export function refuseInclude(c: Context<Env>): void {
  if (Object.keys(c.req.query()).some((name) => /^include(\[\d*\])?$/.test(name))) throw unsupported('include');
}

/** A part of the path, by its name in the route. */
export function pathId(c: Context<Env>, name: string): string {
  return c.req.param(name) ?? '';
}
