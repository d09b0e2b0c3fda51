import { endless } from '../../errors.ts';
import type { Phase } from '../../items/message.ts';
import { fixedLimits } from '../../limits.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { argumentsIn } from '../functions/call-arguments.ts';
import { Identities, indexIn, type Marks } from '../functions/identity.ts';
import { text } from '../server/json-fields.ts';
import { type Arrival, arrivalOf, textOf } from './items.ts';
import type { Speech } from './speech.ts';

/** Open items compared with a final one whose id is unknown. Few, since servers end items in order. */
const CANDIDATES = 16;

/** Progress of one streamed item. */
export interface ItemProgress {
  kind: Arrival;
  /** Its index, in the order of their start. */
  number: number;
  /** The phase of a message. */
  phase?: Phase | undefined;
  /** The texts streamed so far. */
  texts: Record<'summary' | 'content', string>;
  /** The text that it began with: deltas go on from it, or repeat it. */
  given: string;
  /** The call_id of a call, once it is known. */
  callId: string;
  /** Whether its server ended it as incomplete. */
  isCut: boolean;
  /** Whether a part of a call's arguments came. */
  hasArguments: boolean;
  /** Whether its `done` came. */
  done: boolean;
  /** Whether it is a call too many, whose rest is ignored. */
  isDropped: boolean;
}

/** The items of a streamed response, and which of them an event is of. */
export class StreamedItems {
  readonly #maxCalls: number;
  readonly #speech: Pick<Speech, 'argumentsOf'>;
  readonly #items: Record<Arrival, Identities<ItemProgress>> = {
    message: new Identities(),
    reasoning: new Identities(),
    function_call: new Identities(),
    whole: new Identities(),
  };
  /** Open items of each kind, in order. */
  readonly #openItems: Record<Arrival, ItemProgress[]> = { message: [], reasoning: [], function_call: [], whole: [] };
  #count = 0;
  #calls = 0;
  #latest: ItemProgress | undefined;

  /** Takes at most `maxCalls` calls; of a call, `speech` knows the arguments. */
  constructor(maxCalls: number, speech: Pick<Speech, 'argumentsOf'>) {
    this.#maxCalls = maxCalls;
    this.#speech = speech;
  }

  /** How many have begun. */
  get count(): number {
    return this.#count;
  }

  /** The one that began last, unless it was dropped. */
  get latest(): ItemProgress | undefined {
    return this.#latest;
  }

  /**
   * The item of a delta, or of a text `said` as a whole. Some servers name an item they never added, or give an item another id
   * in each event.
   */
  of(event: JsonObject, kind: Arrival, said?: string): ItemProgress {
    const marks = { index: indexIn(event.output_index), id: text(event.item_id) || null };
    const known = this.#items[kind].find(marks);
    if (known) return known;
    const openItems = this.#openItems[kind];
    const last = openItems.at(-1);
    if (said && last && (last.texts.content === said || last.texts.summary === said)) return last;
    while (openItems.at(-1)?.done) openItems.pop();
    return openItems.at(-1) ?? this.begin(kind, marks);
  }

  /** The item that was streamed with the id of this one, and its index if both are told; a call also by its call_id. */
  byId(item: JsonObject, index: number | null): ItemProgress | undefined {
    const items = this.#items[arrivalOf(item)];
    const known = items.byId({ index, id: text(item.id) || null });
    return known && this.#isOther(known, item) ? undefined : known;
  }

  /** Remembers the call_id of a call, by which some servers' events name it. */
  name(progress: ItemProgress, callId: string): void {
    if (progress.callId !== '') return;
    progress.callId = callId;
    const known = this.#items.function_call.byId({ index: null, id: callId });
    if (!known) this.#items.function_call.add(progress, { index: null, id: callId });
  }

  /** Whether an item is another call than the one that had its id and has ended: by its call_id, with arguments of its own. */
  #isOther({ done, callId, number }: ItemProgress, item: JsonObject): boolean {
    const itsId = text(item.call_id);
    if (!done || callId === '' || itsId === '' || callId === itsId) return false;
    return argumentsIn(item.arguments) !== this.#speech.argumentsOf(number);
  }

  /** The streamed item that a final one is of: by its id, by its index while that is open, or by what it says. */
  ofFinal(item: JsonObject, index: number | null): ItemProgress | undefined {
    const byIndex = this.#items[arrivalOf(item)].byIndex({ index, id: null });
    return this.byId(item, index) ?? (byIndex?.done ? undefined : byIndex) ?? this.#openLike(item);
  }

  /** The first open item that may be this final one: vLLM gives it another id at the end. */
  #openLike(item: JsonObject): ItemProgress | undefined {
    const openItems = this.#openItems[arrivalOf(item)].filter(({ done }) => !done).slice(0, CANDIDATES);
    const [content, args] = [textOf(item.content), argumentsIn(item.arguments)];
    return openItems.find(
      ({ texts, number }) => content.startsWith(texts.content) && args.startsWith(this.#speech.argumentsOf(number)),
    );
  }

  /** Begins an item. A second call with `parallel_tool_calls: false`, which some servers ignore, is read and dropped. */
  begin(kind: Arrival, marks: Marks, isCall = kind === 'function_call'): ItemProgress {
    const number = this.#count++;
    if (number === fixedLimits.outputItems) throw endless(`${number} items`);
    const isDropped = isCall && this.#calls >= this.#maxCalls;
    const texts = { summary: '', content: '' };
    const rest = { given: '', callId: '', isCut: false, hasArguments: false, done: isDropped, isDropped };
    const progress: ItemProgress = { kind, number, texts, ...rest };
    this.#items[kind].add(progress, marks);
    if (isDropped) return progress;
    this.#openItems[kind].push(progress);
    if (isCall) this.#calls++;
    this.#latest = progress;
    return progress;
  }
}
