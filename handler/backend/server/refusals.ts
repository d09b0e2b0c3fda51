/** What a model server's error is, beside a failure of its own. */
export type RefusalKind =
  | 'quota'
  | 'credentials'
  | 'rate_limit'
  | 'context_length'
  | 'model_not_found'
  | 'model_refused';

/** One way in which servers say it: a pattern for their words, whose words they are, and a public page that shows them. */
export interface RefusalRow {
  kind: RefusalKind;
  servers: string;
  pattern: RegExp;
  source: string;
}

const issue = (path: string) => `https://github.com/${path}`;
/** Agents' lists of what many servers say. */
const PI = 'https://github.com/earendil-works/pi/blob/main/packages/ai/src/utils/overflow.ts';
const LITELLM = 'https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/exception_mapping_utils.py';

/** The words for each kind; of several kinds in one error the first counts. No row is without its source. */
const words: Record<RefusalKind, [servers: string, pattern: RegExp, source: string][]> = {
  // A quota is money or a plan: waiting does not help. Servers send it with 400, 402, 403 and 429.
  quota: [
    ['OpenAI', /\binsufficient_quota\b/, issue('openai/openai-cookbook/issues/844')],
    ['Anthropic', /credit balance is too low|\bbilling_error\b/i, issue('anthropics/claude-code/issues/66314')],
    ['DeepSeek', /\binsufficient balance\b/i, issue('Aider-AI/aider/issues/4851')],
    ['GLM', /余额不足|^code: 1113$/m, issue('zhayujie/CowAgent/issues/2910')],
    [
      'Kimi',
      /exceeded_current_quota_error|suspended due to insufficient balance/,
      issue('MoonshotAI/kimi-code/pull/1857'),
    ],
    [
      'OpenRouter',
      /insufficient credits|requires more credits|credits are required/i,
      issue('QwenLM/qwen-code/issues/73'),
    ],
    [
      'xAI',
      /used all available credits or reached its monthly spending limit/i,
      issue('continuedev/continue/issues/10373'),
    ],
    ['xAI', /run out of credits or need a grok subscription/i, issue('Wei-Shaw/sub2api/issues/4069')],
    ['DashScope', /\bArrearage\b|account is in good standing/, issue('tencentmusic/supersonic/issues/1572')],
    ['Copilot', /\bquota_exceeded\b/, issue('github/copilot-cli/issues/3431')],
    [
      'LiteLLM',
      /budget has been exceeded|\bExceededBudget\b|\bbudget_exceeded\b/i,
      issue('BerriAI/litellm/issues/14144'),
    ],
  ],
  credentials: [
    ['OpenAI', /\binvalid_api_key\b/, issue('chatanywhere/GPT_API_free/issues/62')],
    ['xAI', /incorrect( |%20)api( |%20)key( |%20)provided/i, issue('i-am-bee/beeai-framework/issues/447')],
    ['Gemini', /\bAPI_KEY_INVALID\b|API key not (valid|found)/i, issue('cequence-io/openai-scala-client/issues/109')],
    ['DashScope', /\bInvalidApiKey\b|Invalid API-key provided/, issue('liyupi/yu-ai-agent/issues/7')],
    ['LiteLLM', /\blitellm\.(AuthenticationError|PermissionDeniedError)\b/, LITELLM],
  ],
  rate_limit: [
    [
      'OpenAI, Groq',
      /\brate_limit_exceeded\b|request too large for /i,
      issue('HunorLaczko/ha-groq-cloud-api/issues/27'),
    ],
    ['Anthropic', /\brate_limit_error\b/, issue('zai-org/feedback/issues/789')],
    ['Kimi', /\brate_limit_reached_error\b|reached max request/, issue('harry0703/MoneyPrinterTurbo/issues/339')],
    ['Gemini', /\bRESOURCE_EXHAUSTED\b/, issue('RooCodeInc/Roo-Code/issues/3883')],
    [
      'Bedrock',
      /\bThrottlingException\b|too many (requests|tokens), please wait/i,
      issue('RooCodeInc/Roo-Code/issues/5050'),
    ],
    ['DashScope', /\bThrottling\.\w+/, issue('can1357/oh-my-pi/pull/8476')],
    ['Mistral', /service tier capacity exceeded/i, LITELLM],
    ['LiteLLM', /\blitellm\.RateLimitError\b/, LITELLM],
  ],
  context_length: [
    ['OpenAI, Azure', /\bcontext_length_exceeded\b/, issue('Azure/azure-sdk-for-net/issues/41892')],
    ['OpenAI, vLLM, DeepSeek, OpenRouter', /maximum context length/i, issue('vllm-project/vllm/issues/20409')],
    ['OpenAI', /exceeds the context window/i, PI],
    ['vLLM', /model's context length is only/i, issue('vllm-project/vllm/issues/33418')],
    ['vLLM', /\bmax_model_len\b|maximum model length/, issue('vllm-project/vllm/issues/12165')],
    ['SGLang, Together', /longer than the model's context length/i, issue('QwenLM/Qwen3/issues/1321')],
    ['SGLang', /input length .{0,40}exceeds the maximum allowed/i, issue('sgl-project/sglang/issues/4048')],
    ['llama.cpp', /exceed_context_size|exceeds the available context/, issue('ggml-org/llama.cpp/pull/15780')],
    ['llama.cpp, LM Studio', /context size has been exceeded/i, issue('ggml-org/llama.cpp/issues/19774')],
    ['llama-cpp-python', /tokens .{0,20}exceed context window/i, issue('abetlen/llama-cpp-python/issues/416')],
    [
      'LM Studio',
      /tokens when context the overflows|greater than the context length/i,
      issue('lmstudio-ai/lmstudio-bug-tracker/issues/546'),
    ],
    ['LM Studio', /\bn_keep\b.{0,20}>= n_ctx/, issue('anomalyco/opencode/issues/11141')],
    ['LM Studio', /reached context length of/i, issue('lmstudio-ai/lmstudio-bug-tracker/issues/1251')],
    ['Ollama', /prompt too long; exceeded (max )?context length/i, PI],
    [
      'TGI',
      /`inputs` (tokens \+ `max_new_tokens` must be|must have less than)/,
      issue('huggingface/text-generation-inference/issues/628'),
    ],
    [
      'TensorRT-LLM',
      /prompt length .{0,20}exceeds maximum (input|sequence) length/i,
      issue('triton-inference-server/tensorrtllm_backend/issues/565'),
    ],
    ['mlx-serve', /prompt exceeds maximum context/i, issue('ddalcu/mlx-serve/issues/66')],
    ['oMLX', /exceeds max context window/i, issue('screenpipe/screenpipe/issues/2570')],
    ['LiteLLM', /\bContextWindowExceededError\b/, LITELLM],
    ['Anthropic', /prompt is too long/i, PI],
    ['Anthropic', /exceed context limit/i, issue('continuedev/continue/issues/6080')],
    ['Gemini', /input token count .{0,40}exceeds the maximum/i, PI],
    ['xAI', /maximum prompt length is/i, PI],
    ['Mistral', /too large for model with/i, PI],
    ['Groq', /reduce the length of the messages/i, PI],
    ['Cerebras', /current length is \d+ while limit is/i, LITELLM],
    ['Kimi', /exceeded model token limit/i, PI],
    ['GLM', /prompt exceeds max length/i, issue('zeroclaw-labs/zeroclaw/issues/4124')],
    ['GLM', /model_context_window_exceeded/, PI],
    ['DashScope', /range of input length should be/i, issue('QwenLM/qwen-code/issues/3652')],
    ['Bedrock', /input is too long for requested model/i, PI],
    [
      'Copilot',
      /model_max_prompt_tokens_exceeded|prompt token count of \d+ exceeds/,
      issue('microsoft/vscode/issues/289219'),
    ],
    ['MiniMax', /context window exceeds limit/i, PI],
    ['OpenRouter', /maximum allowed input length of/i, PI],
    ['Azure', /input tokens exceed the configured limit/i, LITELLM],
    ['any', /context[_ ]length[_ ]exceeded|token limit exceeded|too many (input )?tokens/i, PI],
  ],
  model_not_found: [
    ['OpenAI, vLLM, xAI, Cerebras, DashScope', /\bmodel .{0,200}does not exist/is, issue('QwenLM/Qwen3/issues/20')],
    [
      'OpenAI, LM Studio',
      /\bmodel_not_found\b|invalid model identifier/i,
      issue('assafelovic/gpt-researcher/issues/1556'),
    ],
    ['Ollama, llama.cpp', /\bmodel\b.{0,200}not found/is, issue('netease-youdao/QAnything/issues/555')],
    ['LM Studio', /\bno models loaded\b/i, issue('lmstudio-ai/lmstudio-bug-tracker/issues/1730')],
    ['Anthropic', /^message: model: \S{1,200}$/m, issue('anthropics/claude-code/issues/5349')],
    ['Gemini', /\bis not found for API version\b/i, issue('wwardaww/gnome-gemini-ai/issues/22')],
    ['Mistral', /^type: invalid_model$|^message: invalid model: /im, issue('mistralai/mistral-vibe/issues/617')],
    ['Groq', /\bmodel_decommissioned\b|\bhas been decommissioned\b/i, issue('atiilla/sqlmap-ai/issues/3')],
    ['DeepSeek, DashScope', /\bmodel (\S{1,200} )?not exist\b/i, issue('deepwn/addi/issues/13')],
    ['Kimi', /not found the model .{0,200}or permission denied/is, issue('langgenius/dify/issues/39778')],
    ['GLM', /模型不存在|^code: 1211$/m, issue('esengine/DeepSeek-Reasonix/issues/6858')],
    ['Bedrock', /model identifier is invalid/i, issue('MattJColes/lgtmaybe/pull/70')],
    ['Bedrock', /could not resolve the foundation model/i, issue('aws-samples/bedrock-chat/issues/91')],
    [
      'Together',
      /\bmodel_not_available\b|unable to access (non-serverless )?model /i,
      issue('evo-design/evo/issues/95'),
    ],
    ['Copilot', /\bmodel_not_supported\b/, issue('microsoft/vscode/issues/282890')],
    ['OpenRouter', /is not a valid model id\b/i, issue('OpenRouterTeam/openrouter-examples/issues/74')],
    ['OpenRouter', /no endpoints found for /i, issue('chatboxai/chatbox/issues/2743')],
    ['Azure', /\bDeploymentNotFound\b/, issue('chatboxai/chatbox/issues/646')],
    ['LiteLLM', /invalid model name passed in/i, issue('BerriAI/litellm/issues/8821')],
    [
      'llama-swap',
      /could not find (suitable inference handler|real modelID) for/i,
      issue('mostlygeek/llama-swap/blob/main/proxy/proxymanager.go'),
    ],
    ['any', /no such model|unknown model/i, issue('iOfficeAI/AionCore/pull/377')],
  ],
  // What servers refuse of the client's input with a status of their own failures.
  model_refused: [['llama.cpp', /(image|audio) input is not supported/i, issue('ggml-org/llama.cpp/issues/15377')]],
};

/** All rows, in the order in which they count. */
export const refusalRows: readonly RefusalRow[] = Object.entries(words).flatMap(
  ([kind, rows]) => rows.map(([servers, pattern, source]) => ({ kind: kind as RefusalKind, servers, pattern, source })), // the keys are the kinds
);

/** The first row that these words match, as `gist` has them. */
export function refusalIn(gist: string): RefusalRow | undefined {
  return refusalRows.find(({ pattern }) => pattern.test(gist));
}
