/** The promises about the Responses API over a WebSocket. */
export const websocketManifest = {
  'websocket.create': {
    says: 'a response over a WebSocket has the events that it has over HTTP',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.client': { says: 'openai: ResponsesWS creates, chains, and hears of errors', source: 'openai 7.57.0' },
  'websocket.stored': {
    says: 'a stored response goes on over another connection, and over HTTP',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.request-id': { says: 'the handshake is answered with a request id', source: 'design: Command line' },
  'websocket.origin': {
    says: 'pages of strange origins cannot open a WebSocket: 403',
    source: 'RFC 6455, 10.2',
  },
  'websocket.excess': {
    says: 'a message whose JSON has more than 250,000 members, or is nested deeper than 128 levels, is a 400, and the connection goes on',
    source: 'issue 11: input',
  },
  'websocket.unserved': {
    says: 'a wish for a WebSocket that cannot be served is 426 and says why: the client can go on over HTTP, or ask for version 13',
    source: 'issue 6: WebSocket mode',
  },
  'websocket.elsewhere': {
    says: 'a WebSocket at an unknown path is 404, and a plain GET of responses 405',
    source: 'issue 6: WebSocket mode',
  },
  'websocket.unstored': {
    says: 'with store: false a chain goes on within its connection',
    source: 'edge case 4 (agentjido/req_llm#736)',
  },
  'websocket.unstored-calls': {
    says: 'the output of a call goes on from an unstored response within its connection',
    source: 'edge case 4 (agentjido/req_llm#736)',
  },
  'websocket.unstored-elsewhere': {
    says: 'an unstored response is previous_response_not_found on every other connection, as an event',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.unstored-then-stored': {
    says: 'a stored response that goes on from unstored ones holds what they said',
    source: 'design: State',
  },
  'websocket.unstored-fork': {
    says: 'any number of follow-ups go on from an unstored response, in any lane',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.unstored-failed': {
    says: 'a failed turn cannot be gone on from, and what was before it still can',
    source: 'design: State',
  },
  'websocket.unstored-bounded': {
    says: 'a connection remembers the last of its unstored responses only',
    source: 'issue 6: WebSocket mode',
  },
  'websocket.warm-up': {
    says: 'generate: false calls no model, and makes a response without output to go on from',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.warm-up-anywhere': {
    says: 'generate: false takes on every backend what more words are to follow, and sums nothing up',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.warm-up-bare': {
    says: 'generate: false needs no input',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.warm-up-refused': {
    says: 'generate: false is refused what a model call would be',
    source: 'design: Errors',
  },
  'websocket.errors': {
    says: 'what is refused is an error event with its status, and the connection goes on',
    source: 'openai 7.57.0: ResponseWsError',
  },
  'websocket.too-large': {
    says: 'a message over the limit is an error event, one far over it ends the connection with 1009',
    source: 'design: Command line and configuration',
  },
  'websocket.failed': {
    says: 'a turn that fails ends in error and response.failed, and the connection goes on',
    source: 'design: Errors',
  },
  'websocket.steer': {
    says: 'response.steer gets its input back as response.steer.failed: steering_not_supported',
    source: 'openai 7.57.0: ResponseSteerFailedEvent',
  },
  'websocket.lanes': {
    says: 'requests of one stream_id are served one after another, of several beside each other, each event with its own',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.lane-limits': {
    says: 'a connection has 32 named lanes, and a stream_id is held to its form',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.at-once': {
    says: 'a connection makes 16 responses at a time; others wait, and too many are refused',
    source: 'OpenAI: WebSocket mode',
  },
  'websocket.leave': {
    says: 'a client that closes the connection ends its model calls',
    source: 'issue 6: WebSocket mode',
  },
  'websocket.leave-broken': {
    says: 'a connection that breaks ends its model calls',
    source: 'issue 6: WebSocket mode',
  },
  'websocket.leave-stored': {
    says: 'what a client that leaves had begun is kept as cancelled',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'websocket.keep-alive': { says: 'a silent connection is pinged', source: 'design: Command line and configuration' },
} as const satisfies Record<string, { says: string; source: string }>;
