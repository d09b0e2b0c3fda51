import { ByteList, join } from '../../byte-list.ts';
import { EgressError } from '../../egress/egress.ts';

/** Content types that are text. */
const TEXT =
  /^(text\/.*|application\/(.*\+)?(json|xml|yaml)|application\/(x-ndjson|javascript|x-www-form-urlencoded))$/;

/** What stands at the end of an answer that is longer than the model reads. */
export const CUT = '\n[The answer is longer: this is its beginning.]';

/** The text of a reply, cut where the egress ends it; undefined for what is no text by its content type, or, without one, by its bytes. */
export async function textOf(reply: Response): Promise<string | undefined> {
  const [type = '', ...parameters] = (reply.headers.get('content-type') ?? '').toLowerCase().split(';');
  if (type.trim() !== '' && !TEXT.test(type.trim())) {
    await reply.body?.cancel();
    return undefined;
  }
  const { bytes, isCut } = await readUp(reply);
  const text = decoded(bytes, charsetIn(parameters), type.trim() === '' && !isCut);
  return isCut && text !== undefined ? `${text}${CUT}` : text;
}

async function readUp(reply: Response): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const chunks = new ByteList();
  let size = 0;
  try {
    for await (const chunk of reply.body ?? []) {
      chunks.add(chunk);
      size += chunk.length;
    }
  } catch (error) {
    if (!(error instanceof EgressError) || error.reason !== 'too_large') throw error;
    return { bytes: join(chunks.end(), size), isCut: true };
  }
  return { bytes: join(chunks.end(), size), isCut: false };
}

function charsetIn(parameters: readonly string[]): string {
  const [, charset = 'utf-8'] =
    /^\s*charset="?([\w-]+)"?/.exec(parameters.find((one) => /^\s*charset=/.test(one)) ?? '') ?? [];
  return charset;
}

/** The text of bytes; a character that is cut at their end is left out. Undefined where it has to be text, and is not. */
function decoded(bytes: Uint8Array, charset: string, fatal: boolean): string | undefined {
  try {
    return decoderFor(charset, fatal)
      .decode(bytes)
      .replace(/\uFFFD$/, '');
  } catch {
    return undefined;
  }
}

function decoderFor(charset: string, fatal: boolean) {
  try {
    return new TextDecoder(charset, { fatal });
  } catch {
    return new TextDecoder('utf-8', { fatal }); // a name that nobody knows
  }
}
