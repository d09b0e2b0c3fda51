import { openLimits } from '../../../handler/allowances/index.ts';
import { openEncryption } from '../../../handler/encryption/index.ts';
import {
  type Audit,
  type CompileCel,
  type Config,
  createHandler,
  type Database,
  type FindDocsScript,
  type Handler,
  type HandlerOptions,
  type Identify,
  type OpenTools,
  parseConfig,
  type Runner,
  type TelemetrySlot,
  type Tool,
  type VerifyJwt,
  type Work,
} from '../../../handler/index.ts';
import { openWebSearchWith } from '../../../handler/tools/web-search/index.ts';
import { codecs } from '../../../shim/codecs.ts';
import { createEgress } from '../../../shim/egress.ts';
import { createMcp } from '../../../shim/mcp/open.ts';
import { createPageReducer } from '../../../shim/pages/page-processes.ts';
import { unlessAborted } from '../../../shim/race.ts';
import { loadTokenizer } from '../../../shim/tokenizer.ts';
import { createTransport } from '../../../shim/transport.ts';
import { type ScriptedModel, startScriptedModel } from '../model/scripted.ts';
import { playedTool } from '../played-tool.ts';
import { testTool } from '../test-tool.ts';
import { testDatabase } from './database.ts';
import { type Door, doorAt, hostedConfigFile, testConfig } from './door.ts';

/** What a test may choose of the handler that it opens. */
export interface Chosen {
  config?: Config;
  /** Whether the configuration, where none is given, has `hosted`. */
  hosted?: boolean;
  database?: Database;
  /** Milliseconds, in place of the configuration's. */
  retention?: number;
  lease?: number;
  runner?: (work: Work) => Runner;
  identify?: Identify;
  tools?: readonly Tool[];
  openTools?: readonly OpenTools[];
  compileCel?: CompileCel;
  verifyJwt?: VerifyJwt;
  audit?: Audit;
  docs?: boolean;
  usage?: boolean;
  docsScript?: FindDocsScript;
  telemetry?: TelemetrySlot;
  hooks?: HandlerOptions['hooks'];
  functions?: HandlerOptions['functions'];
  /** Private targets that URLs of tools may lead to, beside the configuration's. */
  allow?: string[];
}

/** The handler that the doors in this process open onto, and what closes its connections to the model, and its database unless a test gave one. */
export async function testHandler(model: ScriptedModel, chosen: Chosen = {}) {
  const {
    retention,
    lease,
    database,
    runner,
    identify,
    compileCel,
    verifyJwt,
    audit,
    tools = [testTool, playedTool],
    openTools = [],
    telemetry,
  } = chosen;
  const { docs = true, docsScript } = chosen;
  const configured = chosen.hosted ? parseConfig(hostedConfigFile(model)) : testConfig(model);
  const { config: given = configured, usage = given.usage, allow = [] } = chosen;
  const egressRules = { allow: [...given.egress.allow, ...allow] };
  const limits = { ...given.limits, ...(lease && { lease }) };
  const config = {
    ...given,
    ...(retention && { retention }),
    docs,
    usage,
    limits,
    egress: egressRules,
    ...encryptionOf(given),
  };
  const { transport, close } = createTransport();
  const { openMcp, close: closeMcp } = createMcp();
  const { reduce, close: closePages } = createPageReducer();
  const { connect: egress, close: closeEgress } = createEgress();
  const opened = database ?? (await testDatabase());
  const handler = createHandler({
    config,
    transport,
    database: opened,
    codecs,
    tokenizer: loadTokenizer,
    openLimits,
    tools,
    openTools: [openWebSearchWith(reduce), openMcp, ...openTools],
    egress,
    openEncryption,
    ...(runner && { runner }),
    ...(identify && { identify }),
    ...(compileCel && { compileCel }),
    ...(verifyJwt && { verifyJwt }),
    ...(audit && { audit }),
    ...(docsScript && { docsScript }),
    ...(telemetry && { telemetry }),
    ...(chosen.hooks && { hooks: chosen.hooks }),
    ...(chosen.functions && { functions: chosen.functions }),
  });
  return {
    ...handler,
    drain: handler.close,
    async close() {
      await handler.close(0);
      await Promise.all([close(), closeEgress(), closeMcp(), closePages()]);
      if (opened !== database) await opened.close();
    },
  };
}

/** A door in this process, and what the root does with its handler; `drain` is the handler's `close`. */
export interface InProcess extends Door, Pick<Handler, 'sweep' | 'resume' | 'deliver'> {
  drain: Handler['close'];
}

/** The handler called as a function: no network before it. */
export async function openInProcess(chosen?: Chosen): Promise<InProcess> {
  const model = await startScriptedModel();
  const handler = await testHandler(model, chosen);
  const via: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    // What a network does and a function call does not: the client that aborts is told so at once.
    return unlessAborted(handler.fetch(request), request.signal);
  };
  return {
    ...doorAt('in-process', 'http://in-process', model, handler.close, via),
    sweep: handler.sweep,
    resume: handler.resume,
    deliver: handler.deliver,
    drain: handler.drain,
  };
}

/** With `TEST_ENCRYPT_AT_REST=1` every promise runs on a database whose texts are encrypted. */
function encryptionOf({ secrets }: Config): Partial<Config> {
  if (process.env.TEST_ENCRYPT_AT_REST !== '1') return {};
  return {
    encryptAtRest: true,
    secrets: secrets.length > 0 ? secrets : [{ id: 'rest', key: 'a secret of a test, of 32 bytes.' }],
  };
}
