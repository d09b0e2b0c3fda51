import { demoModels, environmentModels, type ModelConfig } from '../handler/index.ts';

/** The environment, as process.env has it. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The default address of Ollama. */
const OLLAMA_URL = 'http://127.0.0.1:11434/v1';

/** Timeout for detecting a local Ollama, in milliseconds. */
const TIMEOUT_MS = 500;

/** Models for a configuration without any, and where they come from, in words. */
export interface DefaultModels {
  models: ModelConfig[];
  from: string;
}

/** `OPENAI_BASE_URL` when set, else a local Ollama when one answers, else the built-in demo model. */
export async function chooseModels(env: Env, ollama: string = OLLAMA_URL): Promise<DefaultModels> {
  const models = environmentModels(env);
  if (models) return { models, from: `OPENAI_BASE_URL (${env.OPENAI_BASE_URL})` };
  if (await answers(`${ollama}/models`)) {
    return { models: [{ match: '*', backend: 'chat', url: ollama }], from: `the Ollama at ${ollama}` };
  }
  return { models: [...demoModels], from: 'the built-in demo model: set OPENAI_BASE_URL, or write a configuration' };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })).ok;
  } catch {
    return false;
  }
}
