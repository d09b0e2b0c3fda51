const ISSUE = 'issue 5: Backend responses';
const RECORDINGS = 'recordings: vLLM, llama.cpp, Ollama';

/** Promises about models whose servers speak the Responses API themselves. */
export const backendsManifest = {
  'native.text': {
    says: 'a server that speaks the Responses API is asked there, always for a stream, and never for state',
    source: ISSUE,
  },
  'native.stream': { says: "its events come in OpenAI's order, with ids and places of our own", source: ISSUE },
  'native.live': { says: 'what it says arrives as it is said', source: ISSUE },
  'native.tool-turns': {
    says: 'a function call of its model is answered by previous_response_id, which the server never sees',
    source: ISSUE,
  },
  'native.reasoning': { says: 'its reasoning and the summaries of it are shown, and go back to it', source: ISSUE },
  'native.custom-tool': { says: 'tools other than functions are named to it as they are', source: ISSUE },
  'native.incomplete': {
    says: 'an answer that was cut is incomplete though the server says completed',
    source: RECORDINGS,
  },
  'native.failure': { says: 'a response that it says has failed is our failure, in our words', source: ISSUE },
  'native.broken-off': { says: 'a stream without a terminal event fails', source: ISSUE },
  'native.leave': { says: 'a client that leaves ends the call', source: ISSUE },
} as const satisfies Record<string, { says: string; source: string }>;
