import type { ApiError } from '../../errors.ts';
import { log } from '../../log.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { REMEMBERED_MS, Remembered } from '../../remembered.ts';
import type { RequestValues } from '../../request-values.ts';
import type { Upstream } from '../../transport.ts';
import type { ServerProfile } from '../backend.ts';
import { failureOf } from './failure.ts';
import { object, objects, text } from './json-fields.ts';
import { learnedFrom } from './refused-members.ts';
import { applyRules, type LearnedRules, plainRules, type RequestRules, requestRules } from './request-rules.ts';
import { getJson, type Server } from './server.ts';
import { type ServerName, serverOwning, serverReplying } from './servers.ts';
import { settableOf } from './set-members.ts';

/** How long a server may take to list its models, in milliseconds. */
const LOOK_TIMEOUT_MS = 5_000;

/** A request in the older names, for which server and model it is, and the rules that it was made by. */
export interface RuledRequest {
  model: string;
  profile: ServerProfile;
  request: JsonObject;
  rules: RequestRules;
  /** What the rules send on of the client's request. */
  values: RequestValues | undefined;
  /** The members that may be set, where not all are taken. Default: all. */
  settable?: readonly string[];
}

/** What a process has learned of a model server by its answers: which one it is, and what it takes for a model. */
export class ServerMemory {
  readonly #server: Server;
  /** Whether the servers of the table speak its protocol. */
  readonly #isInTable: boolean;
  readonly #learned = new Remembered<LearnedRules>();
  #detected: ServerName | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  #hasLooked = false;

  /** The memory of a server; with `isInTable: false` of one that speaks a protocol that no known server does. */
  constructor(server: Server, { isInTable = true } = {}) {
    this.#server = server;
    this.#isInTable = isInTable;
  }

  /** The rules for requests to a model, by all that is known by now. */
  rules(model: string, profile: ServerProfile): RequestRules {
    return this.#rulesWith(profile, this.#learned.get(model));
  }

  /** Resolves once it is known which server it is, or that its models do not tell, or the signal aborts. */
  async known(profile: ServerProfile, signal: AbortSignal): Promise<void> {
    if (!this.#isInTable || this.#hasLooked || this.#isKnown(profile)) return;
    // Each asks for itself: on Workers none may wait for what another request does.
    await this.#ask(signal);
  }

  /**
   * Sends a request as its server takes it. If that refuses a member that changes no meaning, it is sent once more
   * without, and remembered. Rejects with an ApiError for any status but 200.
   */
  async send(ruled: RuledRequest, post: (body: string) => Promise<Upstream>): Promise<Upstream> {
    const { model, profile, request, rules } = ruled;
    if (this.#isInTable) this.#look(profile);
    const body = bodyOf(ruled, rules);
    const first = await post(body);
    if (this.#isInTable) this.#detected ??= serverReplying(first.header);
    if (first.status === 200) return first;
    const refusal = await failureOf(first);
    const learned = first.status === 400 || first.status === 422 ? lessonOf(refusal, request, rules) : undefined;
    if (!learned) throw refusal;
    const newRules = this.#rulesWith(profile, merged(this.#learned.get(model), learned));
    const other = bodyOf(ruled, newRules);
    if (other === body) throw refusal; // the configuration says so
    log.warn('a model server refused members that change no answer: sent once more without', {
      model,
      status: first.status,
      ...learned,
    });
    const second = await post(other);
    if (second.status === 200) {
      this.#learn(model, learned);
      return second;
    }
    const again = await failureOf(second);
    // A server that refuses one member after the other has told of the first.
    if (lessonOf(again, request, newRules)) this.#learn(model, learned);
    throw again;
  }

  /** Takes in the member in which a model's reasoning came: it goes back in the same. */
  spoke(model: string, member: string): void {
    this.#learn(model, { rename: { reasoning_content: member } });
  }

  #rulesWith(profile: ServerProfile, learned: LearnedRules | undefined): RequestRules {
    return this.#isInTable ? requestRules(profile, this.#detected, learned) : plainRules(profile, learned);
  }

  #learn(model: string, learned: LearnedRules): void {
    this.#learned.set(model, merged(this.#learned.get(model), learned));
  }

  #isKnown({ server, isOpenAI }: ServerProfile): boolean {
    return server !== undefined || isOpenAI || this.#detected !== undefined;
  }

  /** Asks an unknown server which it is. Nobody waits for that. */
  #look(profile: ServerProfile): void {
    if (this.#isKnown(profile) || performance.now() - this.#looked < REMEMBERED_MS) return;
    void this.#ask();
  }

  /** Asks a server for its models, whose owner tells which it is. */
  async #ask(signal?: AbortSignal): Promise<void> {
    this.#looked = performance.now();
    const timeout = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    try {
      const { data } = await getJson(this.#server, '/models', signal ? AbortSignal.any([signal, timeout]) : timeout);
      for (const { owned_by } of objects(data)) this.#detected ??= serverOwning(owned_by);
    } catch {
      // It stays unknown.
    }
    this.#hasLooked ||= !signal?.aborted;
  }
}

/** The body of a request by rules, made of the request anew. */
function bodyOf({ request, values, settable }: RuledRequest, rules: RequestRules): string {
  const { set } = rules;
  const here = set && settable ? { ...rules, set: settableOf(set, settable) } : rules;
  return JSON.stringify(applyRules(request, here, values));
}

/** What a refusal teaches, by its body. */
function lessonOf(refusal: ApiError, request: JsonObject, rules: RequestRules): LearnedRules | undefined {
  if (refusal.kind !== 'model_refused' && refusal.kind !== 'server') return undefined;
  return learnedFrom(text(object(refusal.cause).body), request, rules);
}

function merged(known: LearnedRules = {}, learned: LearnedRules): LearnedRules {
  return {
    ...known,
    ...learned,
    omit: [...new Set([...(known.omit ?? []), ...(learned.omit ?? [])])],
    rename: { ...known.rename, ...learned.rename },
  };
}
