import { ApiError } from '../errors.ts';
import type { ClientItem } from '../items/item.ts';
import { isSealed, type Seal } from '../seal.ts';

/**
 * The input with our sealed reasoning opened; reasoning that a model server sealed stays. Throws an ApiError if it
 * cannot be opened.
 */
export function openReasoning(seal: Seal, input: readonly ClientItem[], param = 'input'): Promise<ClientItem[]> {
  return Promise.all(
    input.map(async (item) => {
      if (item.type !== 'reasoning' || !item.encrypted_content || !isSealed(item.encrypted_content)) return item;
      const open = { ...item, encrypted_content: null };
      if (item.content?.length) return open;
      const text = await seal.open('reasoning', item.encrypted_content);
      if (text === undefined) {
        const message = 'The encrypted_content of a reasoning item cannot be read: another deployment has sealed it.';
        throw new ApiError('unreadable', message, { param });
      }
      if (item.summary?.map((part) => part.text).join('\n') === text) return open;
      return { ...open, content: [{ type: 'reasoning_text' as const, text }] };
    }),
  );
}
