import { refuseMedia } from '../media.ts';
import type { InputItem } from '../protocol/items.ts';
import type { GivenItem } from '../turn/items.ts';
import type { Services } from './env.ts';
import { resolveReferences } from './references.ts';
import { openReasoning } from './sealed.ts';

/**
 * The items of a request's member `param`, of a turn or of a conversation alike, as they are planned and kept: with references
 * resolved and our own reasoning opened. The first `trusted` are the configuration's. Throws an ApiError that names the field.
 */
export async function takeItems(
  { scope, seal, findMedia }: Pick<Services, 'scope' | 'seal' | 'findMedia'>,
  items: readonly InputItem[],
  param: string,
  trusted = 0,
): Promise<GivenItem[]> {
  refuseMedia(findMedia(items.slice(trusted)), (index) => `${param}[${index}]`);
  return openReasoning(seal, await resolveReferences(scope, items, param));
}
