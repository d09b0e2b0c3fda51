import { typedContract } from '../clients/faults.ts';
import { lacking } from '../clients/install.ts';
import { javaClient } from '../clients/open.ts';

// It says that it is an OpenAI SDK, and gets errors that it can read by default.
const names = { 400: 'BadRequestException', 404: 'NotFoundException', 429: 'RateLimitException' };
typedContract(javaClient, 'openai-java', names, lacking('mvn', 'javac', 'java'));
