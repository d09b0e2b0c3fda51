import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A whole HTTP answer; everything in the bench is ASCII, so its body is text of as many characters as bytes. */
export interface Answer {
  status: number;
  body: string;
}

/** Hears the body so far, whenever more of it has come. */
export type Watch = (body: string) => void;

/**
 * An HTTP/1.1 connection that sends one request at a time. A client library's share of a request would be as large as
 * that of the servers that are measured, and both have the same two cores.
 */
export class Connection {
  readonly #socket: Socket;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void; watch: Watch | undefined } | undefined;
  #input = '';
  /** Where in the input the body, or its next chunk, begins; 0 while the head is not whole. */
  #at = 0;
  #status = 0;
  /** Bytes of the body; undefined when it comes in chunks. */
  #length: number | undefined;
  #body = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed before the answer was whole')));
    socket.on('error', () => {}); // 'close' follows
  }

  /** Opens one to a port of the loopback. */
  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** Sends a request as it goes over the wire, and resolves with its whole answer. */
  send(request: string, watch?: Watch): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, watch };
      if (this.#socket.destroyed) reject(new Error('the connection is closed'));
      else this.#socket.write(request, 'latin1');
    });
  }

  /** Closes it. */
  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#input = this.#input === '' ? text : this.#input + text;
    if (this.#at === 0 && !this.#readHead()) return;
    const whole = this.#length === undefined ? this.#readChunks() : this.#readLength(this.#length);
    this.#waiting?.watch?.(this.#body);
    if (whole) this.#end();
  }

  #readHead(): boolean {
    const end = this.#input.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#input.slice(0, end).toLowerCase();
    this.#status = Number(head.slice(9, 12));
    this.#at = end + 4;
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    this.#length = length === undefined ? undefined : Number(length);
    return true;
  }

  #readLength(length: number): boolean {
    if (this.#input.length < this.#at + length) return false;
    this.#body = this.#input.slice(this.#at, this.#at + length);
    this.#at += length;
    return true;
  }

  #readChunks(): boolean {
    for (;;) {
      const line = this.#input.indexOf('\r\n', this.#at);
      if (line < 0) return false;
      const size = Number.parseInt(this.#input.slice(this.#at, line), 16);
      const next = line + 2 + size + 2;
      if (this.#input.length < next) return false;
      this.#body += this.#input.slice(line + 2, line + 2 + size);
      this.#at = next;
      if (size === 0) return true;
    }
  }

  #end(): void {
    const waiting = this.#waiting;
    const answer = { status: this.#status, body: this.#body };
    const exact = this.#at === this.#input.length;
    this.#waiting = undefined;
    this.#input = '';
    this.#body = '';
    this.#at = 0;
    if (exact) waiting?.resolve(answer);
    else waiting?.reject(new Error('something follows the answer'));
  }
}
