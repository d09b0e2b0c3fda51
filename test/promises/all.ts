import './limits.ts'; // first, since they wait longest
import './backend-failures.ts';
import './chat-request.ts';
import './client.ts';
import './create.ts';
import './errors.ts';
import './input.ts';
import './leaving.ts';
import './models.ts';
import './streaming.ts';
import './tool-loop.ts';
import './tools.ts';
import './validation.ts';
import './bodies.ts'; // last, since they keep the process busy
