import { socketPathOf } from './unix-socket.ts';

/** A running gRPC or HTTP server; its port is 0 on a unix socket. */
export interface Running<Limits = never> {
  port: number;
  /** Changes its limits, for requests and connections from now on. */
  setLimits(limits: Limits): void;
  /** Requests in flight, open WebSockets included. */
  readonly inFlight: number;
  /** Stops accepting requests, lets those in flight finish for at most `graceMs`, then closes; resolves when closed. */
  drain(graceMs: number): Promise<void>;
  /** Closes at once, cutting what is in flight. */
  close(): Promise<void>;
}

/** An Error that names the flag or the unix socket that could not be listened on, and why. */
export function cannotListen(flag: string, address: string, error: Error): Error {
  if (socketPathOf(address) !== undefined) {
    return new Error(`cannot listen on ${address}: ${error.message}`, { cause: error });
  }
  const port = address.slice(address.lastIndexOf(':') + 1);
  if (error.message.includes('EADDRINUSE')) {
    return new Error(`port ${port} is in use: choose another with ${flag}`, { cause: error });
  }
  return new Error(`cannot listen on ${address} (${flag}): ${error.message}`, { cause: error });
}
