/** The promises about what clients do around a request: compress it, send it again, send it from a browser. */
export const clientsManifest = {
  'body.zstd': { says: 'a zstd body is decompressed, however it was compressed', source: 'issue 5' },
  'body.zstd-frames': { says: 'a zstd body may have many frames, some of them to be skipped', source: 'RFC 8878' },
  'body.zstd-corrupt': { says: 'corrupt, truncated or missing zstd data is 400', source: 'issue 5' },
  'body.zstd-dictionary': { says: 'zstd data that needs a dictionary is 400', source: 'issue 5' },
  'body.zstd-bomb': { says: 'a zstd bomb is refused at the inflated limit', source: 'issue 5' },
  'body.zstd-lies': {
    says: 'a zstd header that declares too much is refused at once, one that declares something else is 400',
    source: 'issue 5',
  },
  'body.zstd-hostile': { says: 'zstd data that is made to take long is refused at once', source: 'issue 5' },
  'cors.preflight': { says: 'the preflight of an allowed origin is answered with 204', source: 'issue 5' },
  'cors.reply': {
    says: 'an allowed origin may read replies and streams, and the headers that SDKs need',
    source: 'issue 5',
  },
  'cors.errors': { says: 'an allowed origin may read errors', source: 'issue 5' },
  'cors.stranger': {
    says: 'another origin gets no header about it, nor does a request without one, and caches are told',
    source: 'issue 5',
  },
  'rebinding.host': {
    says: 'on the loopback a Host that is no address, localhost or one of `hosts` is 403, whatever is asked but the probes',
    source: 'issue 11, 16',
  },
  'rebinding.own-host': {
    says: 'on the loopback addresses, localhost and `hosts` are served, and so are pages of these hosts',
    source: 'issue 11, 16',
  },
  'rebinding.origin': {
    says: 'on the loopback a page of another origin that cors.origins does not name is 403, whatever it asks',
    source: 'issue 11, 16',
  },
  'rebinding.websocket': { says: 'a WebSocket under a strange Host is 403', source: 'issue 11, 16' },
  'cors.no-preflight': { says: 'OPTIONS that is no preflight is 405', source: 'issue 5' },
  'idempotency.again': {
    says: 'a create with a key that was used gets the response made then, and runs nothing',
    source: 'issue 5',
  },
  'idempotency.incomplete': { says: 'an incomplete response is given again, too', source: 'issue 5' },
  'idempotency.same-body': {
    says: 'the same request is known again by what it says, not by how it is written',
    source: 'issue 5',
  },
  'idempotency.other-body': { says: 'a used key with another body is 422 and names the header', source: 'issue 5' },
  'idempotency.running': {
    says: 'while the first is still running, the second is 409 idempotency_in_progress, to be tried again',
    source: 'issue 5',
  },
  'idempotency.race': { says: 'of eight creates with one key at once, one runs', source: 'issue 5' },
  'idempotency.nothing-begun': { says: 'a request that was refused leaves its key free', source: 'issue 5' },
  'idempotency.failed': { says: 'a response that failed leaves its key free', source: 'issue 5' },
  'idempotency.left': { says: 'a response whose client has left leaves its key free', source: 'issue 5' },
  'idempotency.deleted': { says: 'a deleted response leaves its key free', source: 'issue 5' },
  'idempotency.unstored': { says: 'with store: false a key is passed over', source: 'issue 5' },
  'idempotency.bad-key': { says: 'a key is 1 to 255 printable ASCII characters, else 422', source: 'issue 5' },
  'idempotency.conversation': {
    says: 'a turn of a conversation that is sent again adds nothing to it, and is not told of its own lock',
    source: 'issue 5',
  },
  'idempotency.chain': { says: 'a response that was given again is gone on from as any other', source: 'issue 5' },
  'idempotency.stream': {
    says: 'a stream that is sent again tells the same response, each text as one delta',
    source: 'issue 5',
  },
  'idempotency.stream-items': {
    says: 'a stream that is sent again tells calls, refusals and cut texts as they were',
    source: 'issue 5',
  },
  'idempotency.stream-tools': {
    says: 'a stream that is sent again tells calls of server-side tools and citations as they were',
    source: 'issue 5',
  },
  'idempotency.stream-obfuscation': {
    says: 'a stream that is sent again is padded when that is asked for',
    source: 'design: Errors',
  },
  'retry.never': { says: 'what trying again cannot mend says so: x-should-retry is false', source: 'error semantics' },
  'retry.never-by-path': { says: 'so do unknown paths, methods and encodings', source: 'error semantics' },
  'retry.perhaps': {
    says: 'a rate limit, and a backend that is down, leave it to the client',
    source: 'error semantics',
  },
  'retry.perhaps-later': { says: 'so does a conversation that is locked', source: 'error semantics' },
  'client.idempotency': {
    says: 'openai: a create whose reply was lost is tried again, and the model is called once',
    source: 'openai 7.57.0',
  },
  'client.idempotency-stream': {
    says: 'openai: a stream whose reply was lost is tried again, and the helper puts the same together',
    source: 'openai 7.57.0',
  },
  'client.idempotency-running': {
    says: 'openai: a create whose first try is still running is tried again until it has ended',
    source: 'openai 7.57.0',
  },
} as const satisfies Record<string, { says: string; source: string }>;
