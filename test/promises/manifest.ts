import { backendsManifest } from './manifest-backends.ts';
import { backgroundManifest } from './manifest-background.ts';
import { clientsManifest } from './manifest-clients.ts';
import { compactionManifest } from './manifest-compaction.ts';
import { inputTokensManifest } from './manifest-input-tokens.ts';
import { itemsManifest } from './manifest-items.ts';
import { messagesManifest } from './manifest-messages.ts';
import { stateManifest } from './manifest-state.ts';
import { surfaceManifest } from './manifest-surface.ts';
import { websocketManifest } from './manifest-websocket.ts';

/** What the product promises, where the promise comes from, and by which id its tests name it. */
export const manifest = {
  ...backgroundManifest,
  ...compactionManifest,
  ...backendsManifest,
  ...messagesManifest,
  ...stateManifest,
  ...surfaceManifest,
  ...inputTokensManifest,
  ...websocketManifest,
  ...itemsManifest,
  ...clientsManifest,
  'create.text': {
    says: 'a text input gets a complete Response object, nullable fields included',
    source: 'openai 7.57.0 types: Response',
  },
  'create.echo': { says: 'the Response echoes the parameters that shaped it', source: 'openai 7.57.0 types: Response' },
  'create.hints': {
    says: 'harmless hints (user, safety_identifier, prompt_cache_*, service_tier) are accepted, echoed and passed on',
    source: 'design: Errors',
  },
  'create.unknown-ignored': {
    says: 'unknown top-level parameters are accepted and not passed on',
    source: 'design: Errors',
  },
  'create.null-absent': {
    says: 'null means "not given" for every optional parameter',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'create.usage': { says: 'usage has its details, cached and reasoning tokens included', source: 'issue 3: Handler' },
  'create.no-usage': {
    says: 'a backend that counts no tokens gets a null usage, not an error',
    source: 'issue 3: Handler',
  },
  'create.reasoning': { says: 'reasoning becomes an item of its own, before the message', source: 'issue 3: Handler' },
  'create.refusal': { says: 'a refusal is a part of the message', source: 'issue 3: Handler' },
  'create.empty': { says: 'a model that says nothing completes with an empty output', source: 'issue 3: Handler' },
  'create.unicode': {
    says: 'text of any script passes unchanged both ways, however its bytes arrive',
    source: 'issue 3: Handler',
  },
  'create.stream-false': {
    says: 'stream: false is a reply in one piece',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'create.ids': { says: 'every response and item has an id of its own', source: 'edge case 12 (mistral.rs#1944)' },
  'create.demo': { says: 'the demo model says what it is and what it heard', source: 'issue 3: Handler' },
  'create.length': {
    says: 'finish_reason length gives an incomplete reply whose last item is incomplete',
    source: 'edge cases 19, 20 (omlx#2817, vllm#57998)',
  },
  'request-id.made': { says: 'every reply has a request id of its own', source: 'issue 3: Handler' },
  'request-id.echo': {
    says: "the client's x-request-id comes back, with errors and streams too",
    source: 'issue 3: Handler',
  },
  'request-id.unsafe': {
    says: "of a client's x-request-id the first 128 characters are kept; one that is not printable is replaced",
    source: 'issue 11, 15: as Envoy has it',
  },
  'openapi.routes': {
    says: 'GET /openapi.json has every path, with the methods that it takes',
    source: 'issue 3: OpenAPI',
  },
  'openapi.schemas': {
    says: "the document's request schema takes what the server takes, and refuses what it refuses",
    source: 'issue 3: OpenAPI',
  },
  'openapi.docs': { says: 'GET /docs is a page that needs nothing else', source: 'issue 3: OpenAPI' },
  health: { says: 'GET /health answers', source: 'issue 3: Handler' },
  'probe.live': { says: 'GET /livez answers while the process does', source: 'issue 11, 14' },
  'probe.ready': { says: 'GET /readyz says that new requests are welcome', source: 'issue 11, 14' },
  'input.string': { says: 'a string is a user message', source: 'openai 7.57.0 types: ResponseInput' },
  'input.easy-messages': { says: 'messages without a type are taken', source: 'issue 3: Handler' },
  'input.null-type': {
    says: 'a null type, id or status of a message means "not given"',
    source: 'edge case 21 (openai-python#3008)',
  },
  'input.typed-messages': {
    says: 'typed messages are taken; one text alone goes on as a string',
    source: 'issue 3: Handler',
  },
  'input.roles': {
    says: 'leading system and developer messages join the instructions, later ones stay in their place',
    source: 'issue 3: Handler',
  },
  'input.instructions': { says: 'instructions come first', source: 'openai 7.57.0 types: ResponseCreateParams' },
  'input.image': { says: 'images go on by URL or data URL, with their detail', source: 'issue 3: Handler' },
  'input.function-call': {
    says: 'a call and its output go on under one id; a string output stays a string',
    source: 'edge case 26 (litellm#18226)',
  },
  'input.parallel-calls': {
    says: 'a text and parallel calls are one assistant message',
    source: 'edge case 26 (litellm#18226)',
  },
  'input.output-parts': {
    says: 'the images that a function returned are shown to the model',
    source: 'issue 3: Handler',
  },
  'input.replay': { says: 'the output of a turn can be sent back as it came', source: 'edge case 21 (vllm#41355)' },
  'input.replay-without-ids': {
    says: 'output items with null or absent id, status and annotations are taken',
    source: 'edge case 21 (vllm#54224)',
  },
  'input.empty-reasoning': {
    says: 'reasoning that says nothing is a no-op',
    source: 'edge case 22 (am17an/llama.cpp#50)',
  },
  'input.unknown-members': { says: 'unknown members of items and parts are ignored', source: 'design: Errors' },
  'chat.streamed': { says: 'the model is always called streamed, with usage asked for', source: 'issue 3: Handler' },
  'chat.minimal': { says: 'what the client did not give is not sent', source: 'issue 3: Handler' },
  'chat.headers': {
    says: 'the call carries the configured key, JSON, and the header that tells a loop',
    source: 'design: Command line and configuration',
  },
  'chat.sampling': { says: 'temperature, top_p and max_output_tokens reach the model', source: 'issue 3: Handler' },
  'chat.reasoning': { says: 'reasoning.effort and text.verbosity reach the model', source: 'issue 3: Handler' },
  'chat.tools': {
    says: 'function tools, their choice and parallel_tool_calls reach the model',
    source: 'issue 3: Handler',
  },
  'chat.strict': {
    says: 'an omitted strict is echoed as false and not sent',
    source: 'edge case 25 (vercel/ai#11869)',
  },
  'chat.tool-choice': {
    says: 'none sends no tools; a named function is sent alone and required',
    source: 'recordings: llama.cpp ignores a name, vLLM ignores none',
  },
  'chat.tool-choice-echo': {
    says: 'the Response echoes tool_choice and tools as they were asked',
    source: 'openai 7.57.0 types: Response',
  },
  'chat.format': { says: 'text.format becomes response_format, its schema unchanged', source: 'issue 3: Handler' },
  'stream.text': { says: 'the events of a text, in order', source: 'edge cases 10, 11 (ogx#5309, vllm#37071)' },
  'stream.reasoning': { says: 'the events of reasoning and text, in order', source: 'issue 3: Handler' },
  'stream.refusal': { says: 'the events of a refusal, in order', source: 'issue 3: Handler' },
  'stream.snapshots': {
    says: 'created and in_progress carry the response as it begins, the terminal event as it ends',
    source: 'openai 7.57.0 types: ResponseCreatedEvent',
  },
  'stream.parts-begin-empty': {
    says: 'items and parts begin empty',
    source: 'openai 7.57.0 types: ResponseOutputItemAddedEvent',
  },
  'stream.logprobs': {
    says: 'text events have their logprobs, empty',
    source: 'openai 7.57.0 types: ResponseTextDeltaEvent',
  },
  'stream.equals-json': { says: 'the terminal event carries what the JSON reply is', source: 'design: Two ideas' },
  'stream.headers': { says: 'a stream is text/event-stream and no-cache', source: 'issue 3: Handler' },
  'stream.connection': {
    says: 'a stream keeps its connection alive where the protocol has it',
    source: 'issue 3: Handler',
  },
  'stream.live': { says: 'events reach the reader while the model speaks', source: 'issue 3: Handler' },
  'stream.created-first': {
    says: 'created and in_progress reach the reader before the model speaks',
    source: 'issue 3: Handler',
  },
  'stream.whole-events': { says: 'an event is never split across writes', source: 'issue 3: Handler' },
  'stream.keep-alive': { says: 'a silent model gets comments into the stream', source: 'issue 3: Handler' },
  'stream.many': { says: 'a long answer arrives whole, a delta for a delta', source: 'issue 3: Handler' },
  'stream.length': {
    says: 'finish_reason length ends in response.incomplete, its last item incomplete',
    source: 'edge cases 19, 20 (ollama#17239, vllm#57998)',
  },
  'stream.content-filter': {
    says: 'finish_reason content_filter ends in response.incomplete',
    source: 'issue 3: Handler',
  },
  'tools.stream': { says: 'the events of a fragmented function call, in order', source: 'issue 3: Handler' },
  'tools.create': { says: 'a function call is in the output, the tools are echoed', source: 'issue 3: Handler' },
  'tools.text-first': {
    says: 'a text and then a call are two items, the message first',
    source: 'edge case 17 (vllm#38227)',
  },
  'tools.parallel': {
    says: 'parallel calls are items one after another',
    source: 'edge cases 14, 16 (litellm#36356, vercel/ai#19493)',
  },
  'tools.interleaved': {
    says: 'interleaved fragments are sorted out: the first call live, the next when it is whole',
    source: 'edge cases 14, 16 (litellm#36356, vercel/ai#19493)',
  },
  'tools.ways': {
    says: 'calls are understood in all the ways in which servers send them',
    source: 'recordings: llama.cpp, Ollama, vLLM',
  },
  'tools.one-call': {
    says: 'parallel_tool_calls: false gives at most one call, even of a server that ignores it',
    source: 'recordings: llama.cpp',
  },
  'tools.cut': {
    says: 'a call cut by length is incomplete, those before it are whole',
    source: 'edge case 20 (vllm#57998)',
  },
  'tools.cut-unsaid': {
    says: 'a call that ran out of tokens is incomplete though the server says it is not',
    source: 'recordings: vLLM',
  },
  'tools.no-name': { says: 'a call that never gets a name fails the turn', source: 'issue 3: Handler' },
  'loop.result': {
    says: 'a server-side call is shown with its result, and the model goes on',
    source: 'issue 3: Handler',
  },
  'loop.model-reads': {
    says: 'the model reads what the function returned, after what it said itself',
    source: 'issue 3: Handler',
  },
  'loop.stream': {
    says: "the events of a loop: items counted on through its rounds, the server's own calls hidden",
    source: 'issue 3: Handler',
  },
  'loop.rounds': {
    says: 'rounds go on until the model has no more calls; usage is their sum',
    source: 'issue 3: Handler',
  },
  'loop.max-rounds': {
    says: 'the last round that is allowed ends as incomplete, max_messages',
    source: 'issue 3: Handler',
  },
  'loop.client-calls': {
    says: "a round with calls of the client runs the server's own and ends the turn",
    source: 'issue 3: Handler',
  },
  'loop.end-turn': { says: 'a result can end the turn', source: 'design: The few interfaces' },
  'loop.parts': { says: 'a result can hold text and images', source: 'design: The few interfaces' },
  'loop.citations': {
    says: "a result's citations are put onto the text that follows",
    source: 'design: The few interfaces',
  },
  'loop.throw': { says: 'a tool that throws fails the turn and says nothing of why', source: 'design: Errors' },
  'loop.length': { says: 'a call cut by length is not run', source: 'issue 3: Handler' },
  'loop.closed': {
    says: 'a tool is closed once, whether the turn ends well or not',
    source: 'design: The few interfaces',
  },
  'loop.client-leaves': {
    says: 'a client that leaves ends the model call of any round, and closes the tool',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'loop.client-leaves-tool': {
    says: 'a client that leaves ends a call of a tool, and closes it',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'loop.unknown-type': { says: 'a type of tool that is not registered is 422', source: 'issue 3' },
  'loop.bad-config': {
    says: "a tool's own configuration is checked, and the wrong field named",
    source: 'issue 3: Handler',
  },
  'error.malformed-json': { says: 'malformed JSON is 400', source: 'issue 3: Handler' },
  'error.empty-body': { says: 'an empty body is 400 and says so', source: 'issue 3: Handler' },
  'error.not-utf8': { says: 'a body that is not UTF-8 is 400', source: 'issue 3: Handler' },
  'error.no-object': { says: 'JSON that is no object is 422', source: 'issue 3: Handler' },
  'error.model-missing': { says: 'a missing model is 422: model field is required', source: 'issue 3: Handler' },
  'error.backend-down': { says: 'a backend that cannot be reached is 500 and not named', source: 'issue 3: Handler' },
  'error.model-unknown': { says: 'an unknown model is 404 model_not_found', source: 'design: Errors' },
  'error.nested-and-flat': {
    says: 'the error event has the flat and the nested shape',
    source: 'error semantics: shape conflicts',
  },
  'error.unknown-path': { says: 'an unknown path is 404 with an error body', source: 'design: Errors' },
  'error.path': {
    says: 'a path with an encoded slash, backslash or NUL, which a proxy may read otherwise than we, is 400',
    source: 'issue 11: 17',
  },
  'error.method': { says: 'another method is 405 with allow', source: 'design: Errors' },
  'error.hop': {
    says: 'a request that has come through this server already is 500',
    source: 'design: Command line and configuration',
  },
  'error.then-well': { says: 'after errors the next request is answered', source: 'issue 3: Handler' },
  'validation.names-field': {
    says: 'whatever is wrong, 422 names its field in param and message',
    source: 'issue 3: Handler',
  },
  'validation.required': { says: 'a missing field is said to be required', source: 'issue 3: Handler' },
  'validation.values-listed': {
    says: 'an error that lists what a member may be lists values, and neither null nor undefined',
    source: 'error semantics',
  },
  'validation.not-yet': {
    says: 'known parameters and hosted tools that are not there yet are 422, named',
    source: 'issue 3',
  },
  'validation.not-asked': { says: 'known parameters in their neutral values are taken', source: 'issue 3' },
  'validation.bounds': {
    says: 'values on their bounds are taken',
    source: 'openai 7.57.0 types, OpenResponses constraints',
  },
  'validation.demo': { says: 'what the demo model cannot honour is 422', source: 'design: Errors' },
  'validation.no-echo': { says: 'no error repeats a value that the client sent', source: 'issue 3: Handler' },
  'validation.small': {
    says: 'every error body is under 1 KiB, whatever the input',
    source: 'edge case 30 (vllm#49239)',
  },
  'validation.deep': { says: 'deeply nested input is refused, and breaks nothing', source: 'issue 3: Handler' },
  'backend.credentials': { says: "a backend's 401 and 403 are our 500, not to be retried", source: 'design: Errors' },
  'backend.rate-limit': { says: "a backend's 429 is 429 with retry-after", source: 'design: Errors' },
  'backend.overflow': {
    says: 'a context overflow, however a server says it, is 400 context_length_exceeded',
    source: 'design: Errors',
  },
  'backend.overflow-streamed': {
    says: 'an overflow that comes inside the stream is told as well',
    source: 'recordings: llama.cpp',
  },
  'backend.model-unknown': {
    says: 'a backend that does not have the model is 404 model_not_found',
    source: 'design: Errors',
  },
  'backend.client-fault': {
    says: "a backend's other 4xx, and 501, are 500, not to be retried",
    source: 'design: Errors',
  },
  'backend.server-fault': { says: "a backend's 5xx are 500", source: 'design: Errors' },
  'backend.odd-status': { says: 'plain text, redirects and huge error bodies are 500', source: 'recordings: Ollama' },
  'backend.excess': {
    says: 'JSON from a backend that is nested deeper than 128 levels is a 500, and breaks nothing',
    source: 'issue 11: input',
  },
  'backend.body-hidden': { says: "a backend's words never reach the client", source: 'issue 3: Handler' },
  'backend.breaks-at-once': {
    says: 'a backend that breaks off or talks nonsense at once: one error, one terminal event',
    source: 'edge case 18 (openai/codex#41340)',
  },
  'backend.breaks-midway': {
    says: 'a backend that breaks off or talks nonsense midway: the item is done as incomplete, then one terminal event',
    source: 'edge case 18 (openai/codex#41340)',
  },
  'backend.json-reply': {
    says: 'a backend that does not stream is a failure, not an empty answer',
    source: 'issue 3: Handler',
  },
  'backend.cut-call': { says: 'a call that breaks off is done as incomplete', source: 'edge case 20 (vllm#57998)' },
  'backend.quirks': {
    says: 'the odd streams of real servers are understood',
    source: 'recordings: llama.cpp, Ollama, vLLM',
  },
  'backend.late-usage': { says: 'of two chunks of usage the last one counts', source: 'recordings: llama.cpp' },
  'body.gzip': { says: 'a gzip body is inflated', source: 'issue 3: Handler' },
  'body.deflate': { says: "a deflate body is inflated, in zlib's format and raw", source: 'issue 3: Handler' },
  'body.br': { says: 'a br body is decompressed', source: 'issue 3: Handler' },
  'body.identity': { says: 'identity is no encoding', source: 'issue 3: Handler' },
  'body.two-encodings': {
    says: 'two encodings are 415, and one is undone whatever the case of its name and beside identity',
    source: 'issue 11: input',
  },
  'body.unknown-encoding': {
    says: 'an unknown encoding is 415, and accept-encoding names those that are known',
    source: 'issue 3: Handler; RFC 9110, 12.5.3',
  },
  'body.corrupt': {
    says: 'corrupt, truncated or missing compressed data is 400, and so is what stands behind its end',
    source: 'issue 3: Handler',
  },
  'body.bomb': { says: 'a bomb is refused at the inflated limit', source: 'issue 3: Handler' },
  'body.ratio': {
    says: 'what grows to more than two hundred times its size, and more than 1 MiB, is 413 in each encoding',
    source: 'issue 11: input',
  },
  'body.nothing-comes': {
    says: 'compressed data of which nothing comes is 413 after 256 KiB of it',
    source: 'issue 11: input',
  },
  'body.gzip-members': { says: 'a gzip body may have several members', source: 'RFC 1952, 2.2' },
  'body.members': {
    says: 'JSON with more than 250,000 members is 400, wherever they are, and fewer are taken',
    source: 'issue 11: input',
  },
  'body.excess-packed': {
    says: 'six requests at once of 64 MiB of lists or levels, in 300 bytes each, are refused, and break nothing',
    source: 'issue 11: input',
  },
  'body.depth': {
    says: 'JSON that is nested deeper than 128 levels is 400, or refused by its field, and breaks nothing',
    source: 'issue 11: input',
  },
  'body.largest': { says: '32 MiB are taken', source: 'issue 3: Handler' },
  'body.too-large': { says: '32 MiB and a byte are 413', source: 'issue 3: Handler' },
  'body.long-text': { says: 'a text has 10,485,760 characters at most', source: 'OpenResponses constraints' },
  'body.content-type': { says: 'a content-type that is not JSON is 415', source: 'design: Errors' },
  'body.no-content-type-page': {
    says: "a body without a content-type that a browser's page sends is 415: such a one is sent without a preflight",
    source: 'Fetch standard: CORS-safelisted requests',
  },
  'body.no-content-type': { says: 'a missing content-type counts as JSON', source: 'design: Errors' },
  'body.chunked': { says: 'a body may come in pieces, its length unsaid', source: 'issue 3: Handler' },
  'limit.idle-at-once': {
    says: 'a backend that is silent from the start is given up: 500',
    source: 'issue 3: Handler',
  },
  'limit.idle-midway': {
    says: 'a backend that falls silent is given up: one terminal event',
    source: 'issue 3: Handler',
  },
  'limit.idle-spoken': {
    says: 'a slow backend that speaks now and then is not given up',
    source: 'design: Command line and configuration',
  },
  'limit.idle-writing': {
    says: 'nor is one whose model writes for long what nobody sees until it is whole, in any protocol',
    source: 'clients: Codex writes long patches as custom calls',
  },
  'limit.items': { says: 'an input has 10,000 items at most: 422, input', source: 'issue 11: 7' },
  'limit.items-counted': { says: 'so has one that is compacted, or counted', source: 'issue 11: 7' },
  'limit.items-socket': { says: 'so has one over a WebSocket, and as few tools', source: 'issue 11: 7' },
  'limit.tools': {
    says: 'a model is offered 1,024 tools at most, those of earlier turns included: 422',
    source: 'issue 11: 7',
  },
  'limit.calls': { says: 'a model that makes more than 512 calls is given up', source: 'issue 11: 7' },
  'limit.output-items': { says: 'so is one that makes more than 1,000 items', source: 'issue 11: 7' },
  'limit.item-parts': { says: 'and one that makes more than 1,000 parts of one item', source: 'issue 11: 7' },
  'limit.turn': { says: 'a turn past its deadline is given up: 500, one terminal event', source: 'issue 3: Handler' },
  'limit.reply': { says: 'a reply past its limit is given up: 500', source: 'design: Command line and configuration' },
  'limit.reply-streamed': {
    says: 'a streamed reply past its limit is given up: one terminal event',
    source: 'design: Command line and configuration',
  },
  'leave.create': {
    says: 'a client that leaves a reply in one piece ends the model call',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'leave.create-waiting': {
    says: 'a client that leaves a reply in one piece ends the model call before the model has spoken as well',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'leave.stream': {
    says: 'a client that leaves a stream ends the model call',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'leave.stream-waiting': {
    says: 'a client that leaves a stream ends the model call before the model has spoken as well',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'leave.unstored': {
    says: 'a client that leaves a stream ends the model call with store: false as well',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'leave.reading': {
    says: 'a reader that cancels the body ends the model call',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'models.list': {
    says: 'GET /v1/models lists the names in the configuration, then what the backends behind patterns list',
    source: 'design: Command line and configuration',
  },
  'client.create': { says: 'openai: create', source: 'openai 7.57.0' },
  'client.stream': { says: 'openai: create with stream', source: 'openai 7.57.0' },
  'client.stream-helper': {
    says: 'openai: the stream helper puts reasoning, text and calls together',
    source: 'openai 7.57.0',
  },
  'client.parse': { says: 'openai: parse with a JSON schema', source: 'openai 7.57.0' },
  'client.tool-turns': {
    says: "openai: the output of a turn, with the function's, is the input of the next",
    source: 'openai 7.57.0',
  },
  'client.errors': { says: 'openai: errors are raised as the classes of their status', source: 'openai 7.57.0' },
  'client.stream-error': { says: 'openai: a failure inside a stream is raised', source: 'openai 7.57.0' },
  'client.no-retry': { says: 'openai: what cannot get better is not tried again', source: 'openai 7.57.0' },
  'client.retry': { says: 'openai: a rate limit is tried again', source: 'openai 7.57.0' },
  'client.abort': { says: 'openai: aborting a stream ends the model call', source: 'openai 7.57.0' },
  'client.abort-create': { says: 'openai: aborting a reply in one piece ends the model call', source: 'openai 7.57.0' },
  'client.models': { says: 'openai: models.list', source: 'openai 7.57.0' },
} as const satisfies Record<string, { says: string; source: string }>;
