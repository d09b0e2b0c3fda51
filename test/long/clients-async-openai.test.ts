import { typedContract } from '../clients/faults.ts';
import { lacking } from '../clients/install.ts';
import { rustClient } from '../clients/open.ts';

// None of its headers says what it is: whoever uses it sets the style of errors for all clients.
typedContract(rustClient, 'async-openai', {}, lacking('cargo'), { errors: 'openai' });
