import { DEFAULT_TENANT } from '../caller.ts';
import { missing } from '../errors.ts';
import { refuseMedia } from '../media.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { applyPrompt, type PromptedRequest } from '../turn/prompt.ts';
import type { RequestContext } from './context.ts';
import type { Services } from './services.ts';

/** A request with its prompt filled in, that names its model; one that `compacts` need not say so in its input. */
export type CompleteRequest = PromptedRequest & {
  model: string;
  compacts?: boolean;
  generate?: boolean | null | undefined;
  stops?: readonly string[] | undefined;
};

/** A request with its prompt applied. Throws an ApiError without a model, or for a bad prompt reference. */
export function completeRequest(
  { prompts, findMedia }: Pick<Services, 'prompts' | 'findMedia'>,
  { log, caller }: Pick<RequestContext, 'log' | 'caller'>,
  body: CreateRequest & Pick<CompleteRequest, 'generate' | 'stops'>,
): CompleteRequest {
  for (const [name, value] of Object.entries(body.prompt?.variables ?? {}))
    if (typeof value !== 'string') refuseMedia(findMedia([value]), () => `prompt.variables.${name}`);
  const { model, ...request } = applyPrompt(body, prompts, caller.tenant ?? DEFAULT_TENANT);
  if (model == null) throw missing('model');
  log.model = model;
  return { ...request, model };
}
