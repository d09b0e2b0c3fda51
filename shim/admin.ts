import { Refusal } from './refusal.ts';

type Answer = (request: Request) => Response | Promise<Response>;

/** Answers what operators' tools ask, by its path; any other path is 404. */
export function adminFetch(routes: ReadonlyMap<string, Answer>): Answer {
  return (request) => {
    const answer = routes.get(new URL(request.url).pathname);
    return answer ? answer(request) : new Refusal(404, 'not_found', 'There is nothing at this path.').toResponse();
  };
}
