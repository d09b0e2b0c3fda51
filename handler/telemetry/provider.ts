/** Names of the conventions that are not those of our table of servers. */
const NAMES: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  mistral: 'mistral_ai',
  moonshot: 'moonshot_ai',
  xai: 'x_ai',
  gemini: 'gcp.gemini',
};

/**
 * The provider of a model, in the words of the GenAI conventions: the server's name, where it is known, else whose protocol is
 * spoken with it.
 */
export function providerOf(backend: string, server: string | undefined): string {
  if (server !== undefined) return NAMES[server] ?? server;
  return backend === 'chat' || backend === 'responses' ? 'openai' : backend;
}
