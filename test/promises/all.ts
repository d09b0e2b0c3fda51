import './limits.ts'; // first, since they wait longest
import './backend-failures.ts';
import './chat-request.ts';
import './client.ts';
import './conversations.ts';
import './conversations-items.ts';
import './conversations-lock.ts';
import './conversations-turns.ts';
import './create.ts';
import './errors.ts';
import './input.ts';
import './leaving.ts';
import './models.ts';
import './state-calls.ts';
import './state-chain.ts';
import './state-client.ts';
import './state-delete.ts';
import './state-get.ts';
import './state-input-items.ts';
import './state-live.ts';
import './state-previous.ts';
import './state-replay.ts';
import './streaming.ts';
import './tool-loop.ts';
import './tools.ts';
import './validation.ts';
import './bodies.ts'; // last, since they keep the process busy
