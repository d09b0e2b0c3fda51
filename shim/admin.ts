import { Refusal } from './refusal.ts';

/** Answers a request to the admin listener. */
export type AdminAnswer = (request: Request) => Response | Promise<Response>;

/** Serves the admin routes by path; any other path is a 404. */
export function adminFetch(routes: ReadonlyMap<string, AdminAnswer>): AdminAnswer {
  return (request) => {
    const answer = routes.get(new URL(request.url).pathname);
    return answer ? answer(request) : new Refusal(404, 'not_found', 'There is nothing at this path.').toResponse();
  };
}
