import type { Context } from 'hono';
import { ListQuery } from '../protocol/list.ts';
import { Include } from '../protocol/request.ts';
import { check } from '../validate.ts';
import type { Env } from './env.ts';

/** The query of a list; throws an ApiError that names the wrong member. */
export function readListQuery(c: Context<Env>): ListQuery {
  checkInclude(c);
  return check(ListQuery, c.req.query());
}

/** Throws for a value of `include` that is not one. The others ask for what a stored item always has, or never. */
export function checkInclude(c: Context<Env>): void {
  const given = Object.entries(c.req.queries()).filter(([name]) => /^include(\[\d*\])?$/.test(name));
  check(
    Include,
    given.flatMap(([, values]) => values),
    'include',
  );
}

/** A part of the path, by its name in the route. */
export function pathId(c: Context<Env>, name: string): string {
  return c.req.param(name) ?? '';
}
