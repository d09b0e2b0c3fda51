import OpenAI from 'openai';
import { askChat } from './direct-chat.ts';
import { askResponses } from './direct-responses.ts';
import type { Question } from './questions.ts';
import type { Target } from './target.ts';

/** The protocols that a backend may speak to the server. */
export const backends = ['chat', 'responses'] as const;
export type BackendName = (typeof backends)[number];

/** What the server itself says to a question, without the product. */
export interface Answer {
  /** 200, or the status of its refusal. */
  status: number;
  /** Its refusal in its own words. */
  refusal: string;
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
  /** Whether the tokens ran out. */
  cut: boolean;
  /** Null when it did not say. */
  usage: { input: number; output: number } | null;
}

/** Asks the server itself, in the protocol that the backend speaks. */
export async function askDirectly(target: Target, backend: BackendName, question: Question): Promise<Answer> {
  const answer: Answer = { status: 200, refusal: '', text: '', reasoning: '', calls: [], cut: false, usage: null };
  try {
    await (backend === 'chat' ? askChat : askResponses)(target, question, answer);
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    // An error inside a stream has no status of its own.
    return { ...answer, status: error.status ?? 500, refusal: error.message };
  }
  return answer;
}
