import { Pool } from 'undici';

let pool: Pool | undefined;

/** Calls the mock model, and gives the text deltas of its stream as they are read: those that came together, together. */
export async function* askModel(mock: number, request: object): AsyncGenerator<string[]> {
  pool ??= new Pool(`http://127.0.0.1:${mock}`, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const { body } = await pool.request({
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const deltas: string[] = [];
    let from = 0;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n', from)) {
      const data = rest.slice(from + 'data: '.length, end);
      from = end + 2;
      if (data === '[DONE]') continue;
      const { choices }: Chunk = JSON.parse(data);
      const text = choices[0]?.delta.content;
      if (text) deltas.push(text);
    }
    rest = rest.slice(from);
    if (deltas.length > 0) yield deltas;
  }
}

interface Chunk {
  choices: { delta: { content?: string } }[];
}
