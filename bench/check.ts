import type { Answer } from './connection.ts';

/** Throws, with the answer's beginning, what is wrong with it. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
  constructor(what: string, { status, body }: Answer) {
    super(`${what}: ${status} ${body.slice(0, 400)}${body.length > 400 ? ` ... ${body.slice(-200)}` : ''}`);
  }
}

/** Checks a whole answer that must say `text`, and gives the number of text deltas in it; throws a WrongAnswer. */
export type Check = (answer: Answer, text: string) => number;

/** A chat completion. */
export const checkChat: Check = (answer, text) => {
  const [choice] = parse<{ choices?: { finish_reason: string; message: { content: string } }[] }>(answer).choices ?? [];
  if (choice?.finish_reason !== 'stop') throw new WrongAnswer('not finished', answer);
  if (choice.message.content !== text) throw new WrongAnswer('another text', answer);
  return 0;
};

/** A streamed chat completion. */
export const checkChatStream: Check = (answer, text) => {
  let said = '';
  let deltas = 0;
  let stopped = false;
  eachEvent(answer, (body, from, to) => {
    const delta = member(body, '"content":"', from, to);
    if (delta !== undefined) {
      said += delta;
      deltas++;
    }
    stopped ||= body.slice(from, to).includes('"finish_reason":"stop"');
  });
  if (!stopped) throw new WrongAnswer('not finished', answer);
  if (said !== text) throw new WrongAnswer('another text', answer);
  return deltas;
};

interface ResponseObject {
  status?: string;
  output?: { content?: { text?: string }[] }[];
}

/** A Response object. */
export const checkResponse: Check = (answer, text) => {
  const { status, output } = parse<ResponseObject>(answer);
  if (status !== 'completed') throw new WrongAnswer('not completed', answer);
  if (output?.length !== 1 || output[0]?.content?.[0]?.text !== text) throw new WrongAnswer('another text', answer);
  return 0;
};

/** The events of a streamed Response. */
export const checkResponseStream: Check = (answer, text) => {
  let said = '';
  let deltas = 0;
  let number = 0;
  let type = '';
  let last = 0;
  eachEvent(answer, (body, from, to) => {
    const line = body.indexOf('\n', from);
    type = body.slice(from + 'event: '.length, line);
    last = from;
    const numbered = body.indexOf(NUMBER, line) + NUMBER.length;
    if (Number.parseInt(body.slice(numbered, numbered + 10), 10) !== number++ || numbered > to) {
      throw new WrongAnswer(`event ${number - 1} is not numbered so`, answer);
    }
    if (type !== 'response.output_text.delta') return;
    said += member(body, '"delta":"', line, to);
    deltas++;
  });
  if (type !== 'response.completed') throw new WrongAnswer(`the last event is ${type}`, answer);
  if (said !== text) throw new WrongAnswer('another text', answer);
  if (!answer.body.includes(`"text":"${text}"`, last)) throw new WrongAnswer('another text at the end', answer);
  return deltas;
};

const NUMBER = '"sequence_number":';
const DONE = 'data: [DONE]';

function parse<T>(answer: Answer): T {
  if (answer.status !== 200) throw new WrongAnswer('refused', answer);
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new WrongAnswer('no JSON', answer);
  }
}

/** Hands over the place of each event before `[DONE]`, which must be the last; no event is copied. */
function eachEvent(answer: Answer, take: (body: string, from: number, to: number) => void): void {
  const { status, body } = answer;
  if (status !== 200) throw new WrongAnswer('refused', answer);
  for (let from = 0; from < body.length; ) {
    const to = body.indexOf('\n\n', from);
    if (to < 0) break;
    if (body.startsWith(DONE, from)) {
      if (to + 2 === body.length) return;
      break;
    }
    take(body, from, to);
    from = to + 2;
  }
  throw new WrongAnswer('the stream does not end in [DONE]', answer);
}

/** What stands between a member's beginning and the next quote: the bench's own texts hold none. */
function member(body: string, begin: string, from: number, to: number): string | undefined {
  const at = body.indexOf(begin, from);
  if (at < 0 || at > to) return undefined;
  return body.slice(at + begin.length, body.indexOf('"', at + begin.length));
}
