const types = 'openai 7.57.0 types: InputTokenCountParams';
const issue = 'issue 6: Counting input tokens';

/** Promises of `POST /v1/responses/input_tokens`. */
export const inputTokensManifest = {
  'input-tokens.client': {
    says: 'openai: responses.inputTokens.count gives the count, and runs no model',
    source: types,
  },
  'input-tokens.parameters': { says: 'every parameter of the official types shapes what is counted', source: types },
  'input-tokens.chat': {
    says: 'on chat it is what the server counts, in each of three ways, of the request that a create sends',
    source: issue,
  },
  'input-tokens.responses': {
    says: 'on responses it is what the server counts of the request that a create sends',
    source: issue,
  },
  'input-tokens.anthropic': {
    says: 'on anthropic it is what the server counts of the request that a create sends',
    source: issue,
  },
  'input-tokens.thinking': {
    says: 'thinking that the server refuses to count is left out, as a create leaves it out',
    source: issue,
  },
  'input-tokens.history': {
    says: 'what was before, references and prompts count as they do in a create, and nothing is stored',
    source: types,
  },
  'input-tokens.served': { says: 'functions of server-side tools are counted, and their tools closed', source: issue },
  'input-tokens.refused': { says: 'what is refused in a create is refused alike', source: issue },
  'input-tokens.locked': {
    says: 'a conversation in which a turn is made is conversation_locked here, too',
    source: issue,
  },
  'input-tokens.personality': {
    says: 'a personality is counted by OpenAI, adds nothing elsewhere, and is checked before',
    source: types,
  },
  'input-tokens.estimate': {
    says: 'where a server counts nothing it is an estimate: of the text, and a constant for an image and a file',
    source: issue,
  },
  'input-tokens.fallback': {
    says: 'a count that fails, hangs or makes no sense gives way to the estimate',
    source: issue,
  },
  'input-tokens.errors': { says: 'refused credentials and an unknown model are errors as in a create', source: issue },
  'input-tokens.remembered': { says: 'what a server does not offer it is not asked again', source: issue },
} as const satisfies Record<string, { says: string; source: string }>;
