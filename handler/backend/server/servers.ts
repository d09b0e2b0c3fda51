import type { ModelCall } from '../backend.ts';

/** A member of a request that changes no answer. */
export type Hint = keyof ModelCall['hints'];

/** Every hint there is. */
export const HINTS: readonly Hint[] = [
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'service_tier',
];

/** What is known of a model server, where it is not as `unknownServer`. */
export interface KnownServer {
  /** Its host names, or what they end with. */
  hosts?: readonly string[];
  /** The `owned_by` of its models in `GET /models`. */
  ownedBy?: string;
  /** A header of its replies, and what its value begins with. */
  header?: readonly [name: string, start: string];
  /** The member of an assistant message in which reasoning goes back to it; null where it takes none. */
  reasoning?: 'reasoning' | 'reasoning_content' | null;
  /** The member that bounds the tokens of a chat completion. */
  bound?: 'max_tokens' | 'max_completion_tokens';
  /** The hints that it reads; the others are left out. */
  hints?: readonly Hint[];
  /** Where it takes system messages: only one, in front, or anywhere. Chat templates raise an error for a later one. */
  systemMessages?: 'first' | 'anywhere';
  /** Whether parallel calls are asked for where the client has not said, since it makes one at a time otherwise. */
  parallelToolCalls?: boolean;
  /** Whether it holds a model to the schema of a strict function, so that `strict` is asked for where the client has left it out. */
  strictTools?: boolean;
  /** Whether calls may be texts: one that has to be made is asked for as JSON of a schema, and what is written so is a call. */
  writtenCalls?: boolean;
}

/** What any server is held to be that no row is about. */
export const unknownServer: Required<Omit<KnownServer, 'hosts' | 'ownedBy' | 'header'>> = {
  // What llama.cpp, SGLang, DeepSeek and most others read; a server that says `reasoning` gets that back.
  reasoning: 'reasoning_content',
  // Every server but OpenAI's newer models takes it; Ollama, older llama.cpp and Mistral take no other.
  bound: 'max_tokens',
  // Strict servers refuse any member that they do not know, and the answer is the same without.
  hints: [],
  // https://github.com/vllm-project/vllm/issues/41114, https://github.com/ggml-org/llama.cpp/issues/27367
  systemMessages: 'first',
  // https://github.com/openai/openai-python/issues/1492 and many more refuse what nobody has asked for.
  parallelToolCalls: false,
  // https://github.com/Zoo-Code-Org/Zoo-Code/issues/1036, https://github.com/earendil-works/pi/issues/1172
  strictTools: false,
  // Servers that force calls, and know them in every form, do it best: in the model's own, and several at a time.
  writtenCalls: false,
};

/**
 * The servers that are known, by the names that `models[].server` in the configuration has for them. Each fact has its public
 * source in the comment before it; docs/backends.md is made of both.
 */
export const knownServers = {
  openai: {
    // https://developers.openai.com/api/reference/overview
    hosts: ['.openai.com'],
    // https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
    reasoning: null,
    // https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
    bound: 'max_completion_tokens',
    // https://developers.openai.com/api/reference/resources/responses/methods/create
    hints: HINTS,
    // https://model-spec.openai.com/#chain_of_command
    systemMessages: 'anywhere',
    // https://developers.openai.com/api/docs/guides/function-calling
    strictTools: true,
  },
  azure: {
    // https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/prompt-caching, https://github.com/Gitlawb/openclaude/issues/79
    hosts: ['.openai.azure.com', '.cognitiveservices.azure.com'],
    // https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/reasoning
    reasoning: null,
    // https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/reasoning
    bound: 'max_completion_tokens',
    // https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/prompt-caching
    hints: HINTS,
    // https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/reasoning
    systemMessages: 'anywhere',
  },
  vllm: {
    // https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/models/protocol.py
    ownedBy: 'vllm',
    // https://github.com/vllm-project/vllm/issues/38488, https://github.com/vllm-project/vllm/pull/33402
    reasoning: 'reasoning',
  },
  sglang: {
    // https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/openai/protocol.py
    ownedBy: 'sglang',
  },
  'llama.cpp': {
    // https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    ownedBy: 'llamacpp',
    // https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-http.cpp
    header: ['server', 'llama.cpp'],
    // https://github.com/ggml-org/llama.cpp/pull/21890, https://github.com/ggml-org/llama.cpp/pull/22217
    parallelToolCalls: true,
    // https://github.com/ggml-org/llama.cpp/issues/27217, https://github.com/ggml-org/llama.cpp/issues/12279
    writtenCalls: true,
  },
  ollama: {
    // https://github.com/ollama/ollama/blob/main/openai/openai.go
    ownedBy: 'library',
    // https://github.com/ollama/ollama/blob/main/openai/openai.go
    reasoning: 'reasoning',
  },
  lmstudio: {
    // https://github.com/JetBrains/koog/issues/139
    ownedBy: 'organization_owner',
  },
  litellm: {
    // https://docs.litellm.ai/docs/proxy/response_headers
    header: ['x-litellm-version', ''],
    // https://docs.litellm.ai/docs/completion/input
    hints: ['user'],
  },
  openrouter: {
    // https://openrouter.ai/docs/api/api-reference/chat/create-a-chat-completion
    hosts: ['openrouter.ai'],
    // https://openrouter.ai/docs/use-cases/reasoning-tokens
    reasoning: 'reasoning',
    // https://openrouter.ai/docs/api/api-reference/chat/create-a-chat-completion
    hints: ['user'],
  },
  groq: {
    // https://console.groq.com/docs/openai
    hosts: ['api.groq.com'],
    // https://github.com/janhq/jan/issues/8136, https://github.com/tashfeenahmed/freellmapi/issues/1070
    reasoning: null,
    // https://github.com/groq/groq-python/pull/175
    bound: 'max_completion_tokens',
    // https://github.com/groq/groq-python/pull/175
    hints: ['user'],
  },
  mistral: {
    // https://docs.mistral.ai/api
    hosts: ['api.mistral.ai'],
    // https://github.com/charmbracelet/crush/issues/1590, https://github.com/BerriAI/litellm/issues/30835
    reasoning: null,
    // https://github.com/editor-code-assistant/eca/issues/231
    bound: 'max_tokens',
    // https://strandsagents.com/docs/api/python/strands.models.mistral/index.md
    hints: ['prompt_cache_key'],
  },
  cerebras: {
    // https://inference-docs.cerebras.ai/api-reference/chat-completions
    hosts: ['api.cerebras.ai'],
    // https://github.com/vercel/ai/issues/15042, https://github.com/QwenLM/qwen-code/issues/11045
    reasoning: 'reasoning',
    // https://inference-docs.cerebras.ai/api-reference/chat-completions
    bound: 'max_completion_tokens',
    // https://inference-docs.cerebras.ai/api-reference/chat-completions
    hints: ['user'],
  },
  deepseek: {
    // https://api-docs.deepseek.com
    hosts: ['api.deepseek.com'],
    // https://api-docs.deepseek.com/guides/thinking_mode: refused without, once tools are called
    reasoning: 'reasoning_content',
  },
  gemini: {
    // https://ai.google.dev/gemini-api/docs/openai
    hosts: ['generativelanguage.googleapis.com', 'aiplatform.googleapis.com', '-aiplatform.googleapis.com'],
    // https://github.com/leookun/cursor-byok/issues/112, https://github.com/liliMozi/openhanako/issues/2494: unknown members are refused
    reasoning: null,
  },
  xai: {
    // https://docs.x.ai/developers/model-capabilities/text/best-practices
    hosts: ['api.x.ai'],
    // https://docs.x.ai/developers/model-capabilities/text/best-practices
    hints: ['prompt_cache_key'],
  },
  moonshot: {
    // https://platform.moonshot.cn/docs/api/chat
    hosts: ['api.moonshot.ai', 'api.moonshot.cn'],
    // https://github.com/Kilo-Org/kilocode/pull/5544: refused without, once tools are called
    reasoning: 'reasoning_content',
    // https://github.com/anomalyco/models.dev/pull/6798
    hints: ['prompt_cache_key'],
  },
  zai: {
    // https://docs.z.ai/guides/capabilities/thinking-mode
    hosts: ['api.z.ai', 'open.bigmodel.cn'],
    // https://docs.z.ai/guides/capabilities/thinking-mode
    reasoning: 'reasoning_content',
  },
  fireworks: {
    // https://github.com/BerriAI/litellm/pull/39852
    hosts: ['api.fireworks.ai'],
    // https://github.com/BerriAI/litellm/pull/39852
    systemMessages: 'first',
  },
  deepinfra: {
    // https://github.com/anomalyco/models.dev/pull/6797
    hosts: ['api.deepinfra.com'],
    // https://github.com/anomalyco/models.dev/pull/6797
    hints: ['prompt_cache_key'],
  },
} as const satisfies Record<string, KnownServer>;

/** The name of a server that is known. */
export type ServerName = keyof typeof knownServers;

/** The names of the servers that are known. */
export const serverNames = Object.keys(knownServers) as ServerName[]; // Object.keys forgets the type

const rows: readonly (KnownServer & { name: ServerName })[] = serverNames.map((name) => ({
  ...knownServers[name],
  name,
}));

/** What is known of a server by its name. */
export function knownServer(name: ServerName | undefined): typeof unknownServer {
  return { ...unknownServer, ...(name && knownServers[name]) };
}

/** The server at a URL, by its host; undefined where that tells nothing. */
export function serverAt(url: string): ServerName | undefined {
  const { hostname } = new URL(url);
  // A name that does not begin with a letter is the end of one.
  const isOf = (host: string) => (/^[.-]/.test(host) ? hostname.endsWith(host) : hostname === host);
  return rows.find(({ hosts }) => hosts?.some(isOf))?.name;
}

/** The name of the deployment that a URL of Azure's is of, whatever model a request names; undefined where it is of none. */
export function deploymentAt(url: string): string | undefined {
  return /\/openai\/deployments\/([^/?#]+)\/*([?#]|$)/.exec(url)?.[1];
}

/** The header in which a server takes a key: Azure has its own for keys, and takes tokens of Entra ID (JWTs) as any other does. */
export function keyHeader(server: string | undefined, key: string): 'authorization' | 'api-key' {
  return server === 'azure' && !/^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(key) ? 'api-key' : 'authorization';
}

/** The server whose models have this `owned_by`; undefined where that tells nothing. */
export function serverOwning(ownedBy: unknown): ServerName | undefined {
  return rows.find((row) => row.ownedBy !== undefined && row.ownedBy === ownedBy)?.name;
}

/** The server whose replies have such headers; undefined where they tell nothing. */
export function serverReplying(headerOf: (name: string) => string | null): ServerName | undefined {
  return rows.find(({ header }) => header && headerOf(header[0])?.startsWith(header[1]))?.name;
}

/** Whether a server is OpenAI's own, or one that serves its models in the same way. */
export function isOpenAIs(name: ServerName | undefined): boolean {
  return name === 'openai' || name === 'azure';
}

/** Whether a text is the name of a known server. */
export function isServerName(name: string | undefined): name is ServerName {
  return name !== undefined && Object.hasOwn(knownServers, name);
}
