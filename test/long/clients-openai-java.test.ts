import { typedContract } from '../clients/faults.ts';
import { lacking } from '../clients/install.ts';
import { javaClient } from '../clients/open.ts';

// It says that it is an OpenAI SDK, and gets errors that it can read by default.
typedContract(javaClient, 'openai-java', lacking('mvn', 'javac', 'java'));
