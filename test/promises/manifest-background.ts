const issue = 'issue 6: Background';
const types = 'openai 7.57.0 types: ResponseCreateParams';

/** Promises of turns that nobody waits for. */
export const backgroundManifest = {
  'background.queued': { says: 'background: true answers queued before the model has said anything', source: issue },
  'background.follow': { says: 'GET follows a background response from queued to its end', source: issue },
  'background.stream': { says: 'with stream: true its events come live, queued among them', source: issue },
  'background.leaving': { says: 'a reader who leaves ends nothing', source: 'edge case 29 (hermes-agent#15392)' },
  'background.failed': { says: 'a backend that fails ends it as failed, in GET and in the stream', source: issue },
  'background.refused': { says: 'what the backend cannot carry is refused before anything is queued', source: issue },
  'background.store': { says: 'background with store: false is 422', source: 'surface: Limits and defaults' },
  'background.not-yet': { says: 'a response that is not ready cannot be gone on from', source: 'design: State' },
  'background.conversation': { says: 'it holds its conversation from queued to its end', source: issue },
  'background.idempotent': {
    says: 'a create that is sent again under its key gets the same response, queued or ended',
    source: 'issue 5: Clients',
  },
  'background.rounds': { says: 'the tool loop runs in the background', source: issue },
  'background.limits': { says: 'a silent model fails it', source: 'design: Errors' },
  'background.client': { says: 'openai: create, retrieve with starting_after, and cancel', source: types },
  'cancel.stops': { says: 'cancel ends the response with what was made, and the model call', source: issue },
  'cancel.again': { says: 'cancel is idempotent', source: issue },
  'cancel.ended': { says: 'cancel leaves a response as it is that has ended', source: issue },
  'cancel.not-background': { says: 'only background responses can be cancelled', source: 'surface: Endpoints' },
  'cancel.unknown': { says: 'cancel of an unknown id is 404', source: 'surface: Endpoints' },
  'cancel.stream': { says: 'readers of the stream see one terminal event, and no error, at a cancel', source: issue },
  'cancel.delete': { says: 'deleting a response that is being made cancels it', source: issue },
  'webhooks.signed': {
    says: 'every end of a background response is told, signed as webhooks.unwrap verifies it',
    source: 'issue 6: Webhooks',
  },
  'webhooks.foreground': { says: 'a response that was waited for is not told', source: 'issue 6: Webhooks' },
  'replay.every': { says: 'cut and resumed at every event, a stream has the same bytes', source: issue },
  'replay.live': { says: 'any number of readers, early and late, get the same events', source: issue },
  'replay.after': {
    says: 'starting_after gives only later events; after the last there is none',
    source: 'edge case 28 (litellm#26671)',
  },
  'replay.query': { says: 'a wrong stream, starting_after or include_obfuscation is 422', source: issue },
  'replay.no-log': { says: 'a response that was not made in the background has no events to replay', source: issue },
  'replay.obfuscation': { says: 'include_obfuscation pads the deltas of a replay', source: 'surface: Endpoints' },
  'replay.long': { says: 'long events and many blocks are replayed whole', source: issue },
} as const satisfies Record<string, { says: string; source: string }>;
