import type { TestSocket } from '../support/socket.ts';
import { type EchoModel, HOLD, WHO, type Who, withoutTimes } from './world.ts';

/** What a caller heard: all of it that another caller's things could change. */
export type Answer = string;

/** Ids that were never given, and that a caller knows of another before there are any. */
const NEVER: Record<Known, string> = {
  responses: `resp_${'f'.repeat(48)}`,
  background: `resp_${'f'.repeat(48)}`,
  conversations: `conv_${'f'.repeat(48)}`,
  items: `msg_${'f'.repeat(48)}`,
};
const UNREADABLE = { type: 'reasoning', summary: [], encrypted_content: 'antiphon.2.k1.AAAA.AAAA' };

type Known = 'responses' | 'background' | 'conversations' | 'items';
const KINDS: Record<string, Known> = { resp: 'responses', conv: 'conversations' };

/** Headers that differ from request to request, whoever else there is. */
const VOLATILE = [
  'date',
  'x-request-id',
  'connection',
  'keep-alive',
  'openai-processing-ms',
  'x-envoy-upstream-service-time',
];

/** A turn that has not ended after so many looks never will. */
const MAX_LOOKS = 2_000;

const ID = /\b(resp|conv|msg|rs|fc|mcp|cmp|evt|req)_[0-9a-f]{48}\b/g;

/** A caller that knows what it was told, as a client does. */
export class Actor {
  readonly who: Who;
  readonly model: EchoModel;
  readonly known: Record<Known, string[]> = { responses: [], background: [], conversations: [], items: [] };
  readonly sealed: object[] = [];
  /** A turn that its model keeps waiting: with its reply, if the caller reads that. */
  held: { id: string; reply?: Response; leave: AbortController } | undefined;
  readonly #fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly #numbers = new Map<string, string>();

  readonly #openSocket: ((who: Who) => Promise<TestSocket>) | undefined;
  #socket: TestSocket | undefined;

  constructor(
    who: Who,
    model: EchoModel,
    fetch: (path: string, init: RequestInit) => Promise<Response>,
    openSocket?: (who: Who) => Promise<TestSocket>,
  ) {
    this.who = who;
    this.model = model;
    this.#fetch = fetch;
    this.#openSocket = openSocket;
  }

  /** Makes a turn over its WebSocket, and hears its events; nothing where there are none. */
  async overSocket(body: object): Promise<Answer> {
    if (!this.#openSocket) return 'there are no WebSockets here';
    this.#socket ??= await this.#openSocket(this.who);
    this.#socket.send({ type: 'response.create', ...body });
    let text = '';
    for (let type = ''; !/^(error|response\.(completed|incomplete|failed))$/.test(type); ) {
      const event = await this.#socket.next();
      ({ type } = event);
      text += `${JSON.stringify(event)}\n`;
    }
    this.learn(text);
    return this.plain(text);
  }

  /** Closes its WebSocket: what that remembers is gone. */
  hangUp(): void {
    this.#socket?.raw.terminate();
    this.#socket = undefined;
  }

  /** Something that it was told of, or what never was if there is nothing yet. */
  id(kind: Known, n: number): string {
    const all = this.known[kind];
    return all[n % all.length] ?? NEVER[kind];
  }

  /** The first compaction that it was told of. */
  compaction(): string {
    return this.known.items.find((id) => id.startsWith('cmp_')) ?? NEVER.items;
  }

  /** A sealed item that it was given. */
  sealedItem(n: number): object {
    return this.sealed[n % this.sealed.length] ?? UNREADABLE;
  }

  request(method: string, path: string, body?: object, headers: Record<string, string> = {}, signal?: AbortSignal) {
    return this.#fetch(path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), [WHO]: this.who, ...headers },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  async ask(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    return this.heard(await this.request(method, path, body, headers));
  }

  /** Reads a reply to its end, and learns from it. */
  async heard(reply: Response): Promise<Answer> {
    const headers = [...reply.headers].filter(([name]) => !VOLATILE.includes(name));
    const text = await reply.text();
    if (reply.ok) this.learn(text);
    return this.plain(`${reply.status} ${JSON.stringify(headers)} ${text}`);
  }

  /** Creates in the background, waits for the end, and hears the response then. */
  async inBackground(body: object, headers?: Record<string, string>): Promise<Answer> {
    const reply = await this.request('POST', '/v1/responses', { ...body, background: true }, headers);
    const { ok } = reply;
    const copy = reply.clone();
    const created = await this.heard(reply);
    if (!ok) return created;
    const { id } = (await copy.json()) as { id: string };
    if (!this.known.background.includes(id)) this.known.background.push(id);
    return this.ended(id);
  }

  /** Reads the events of a response until one has been stored, so that what is stored does not depend on the moment. */
  async #readUntil(path: string, event: string): Promise<void> {
    const leave = new AbortController();
    const reader = (await this.request('GET', path, undefined, {}, leave.signal)).body?.getReader();
    for (let text = ''; !text.includes(event); ) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    leave.abort();
    await reader?.cancel().catch(() => {});
  }

  /** Hears a response once it has ended. */
  async ended(id: string): Promise<Answer> {
    for (let looks = 0; ; looks++) {
      if (looks > MAX_LOOKS) throw new Error(`${this.who}: ${id} does not end`);
      const reply = await this.request('GET', `/v1/responses/${id}`);
      const { status } = (await reply.clone().json()) as { status?: string };
      if (status !== 'queued' && status !== 'in_progress') return this.heard(reply);
      await reply.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Begins a turn whose model waits, in the background or as a stream. */
  async hold(body: object, isBackground: boolean): Promise<Answer> {
    await this.release();
    const begun = this.model.hold(this.who);
    const leave = new AbortController();
    const how = isBackground ? { background: true } : { stream: true };
    const reply = await this.request(
      'POST',
      '/v1/responses',
      { input: `${this.who} says ${HOLD}`, ...body, ...how },
      {},
      leave.signal,
    );
    if (!reply.ok) return this.heard(reply);
    if (isBackground) {
      const copy = reply.clone();
      await this.heard(reply);
      this.held = { id: ((await copy.json()) as { id: string }).id, leave };
      this.known.background.push(this.held.id);
      await begun;
      await this.#readUntil(`/v1/responses/${this.held.id}?stream=true`, 'response.in_progress');
      return this.ask('GET', `/v1/responses/${this.held.id}`);
    }
    const [first, rest] = reply.body?.tee() ?? [];
    const reader = first?.getReader();
    let text = '';
    while (!/resp_[0-9a-f]{48}/.test(text)) text += new TextDecoder().decode((await reader?.read())?.value);
    void reader?.cancel().catch(() => {}); // it leaves with the other half
    const id = /resp_[0-9a-f]{48}/.exec(text)?.[0] ?? '';
    this.learn(text);
    this.held = { id, reply: new Response(rest ?? null, reply), leave };
    await begun;
    return 'held';
  }

  /** Has the model of the turn that waits go on, and hears how it ends. */
  async release(): Promise<Answer> {
    const { held } = this;
    this.held = undefined;
    this.model.release(this.who);
    if (!held) return 'nothing was held';
    return held.reply ? this.heard(held.reply) : this.ended(held.id);
  }

  /** Leaves in the middle of a stream. */
  async leave(): Promise<Answer> {
    const { held } = this;
    if (!held?.reply) return this.release();
    this.held = undefined;
    held.leave.abort();
    await held.reply.body?.cancel().catch(() => {});
    const answer = await this.ended(held.id);
    this.model.release(this.who);
    return answer;
  }

  /** Takes ids and sealed items out of what it was told. */
  learn(text: string): void {
    for (const [id, prefix = ''] of text.matchAll(ID)) {
      if (prefix === 'req' || prefix === 'evt') continue;
      const list = this.known[KINDS[prefix] ?? 'items'];
      if (!list.includes(id)) list.push(id);
    }
    if (text.includes('"msg_shared"') && !this.known.items.includes('msg_shared')) this.known.items.push('msg_shared');
    for (const [item] of text.matchAll(/\{[^{}]*"encrypted_content":"antiphon[^{}]*(\{[^{}]*\}[^{}]*)*\}/g)) {
      const type = item.includes('"type":"compaction"') ? 'compaction' : 'reasoning';
      const encrypted_content = /"encrypted_content":"(antiphon[^"]*)"/.exec(item)?.[1];
      const sealed = { type, ...(type === 'reasoning' && { summary: [] }), encrypted_content };
      if (!this.sealed.some((one) => JSON.stringify(one) === JSON.stringify(sealed))) this.sealed.push(sealed);
    }
  }

  /** A text with this caller's own numbers in place of ids, in the order in which it heard of them. */
  plain(text: string): string {
    return withoutTimes(text).replace(ID, (id, prefix) => {
      const number = this.#numbers.get(id) ?? `${prefix}_${this.#numbers.size}`;
      this.#numbers.set(id, number);
      return number;
    });
  }
}
