import { parseObject } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { text } from '../server/json-fields.ts';
import { backendSeal } from '../server/seal.ts';
import { textOf } from './items.ts';
import type { ItemProgress } from './streamed-items.ts';

const { seal, open } = backendSeal('responses');

/**
 * What a reasoning item has as its `encrypted_content`, marked so that it goes back to the server with this id alone; as it is
 * for a server of null, and where it is the text itself, as Ollama has it.
 */
export function sealedIn(item: JsonObject, texts: ItemProgress['texts'], server: string | null): string {
  const sealed = text(item.encrypted_content);
  const itsTexts = ['', texts.content, texts.summary, textOf(item.content), textOf(item.summary)];
  return server === null || itsTexts.includes(sealed) ? sealed : seal(JSON.stringify({ server, sealed }));
}

/** What the server with this id has sealed; undefined for another's content, or a broken one. */
export function unsealFor(server: string, content: string | null | undefined): string | undefined {
  const json = open(content);
  const { server: by, sealed } = (json && parseObject(json)) || {}; // broken by whoever sent it, or another's
  return by === server ? text(sealed) || undefined : undefined;
}
