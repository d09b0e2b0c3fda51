import { configureLog } from 'antiphon';
import { startProduct } from 'antiphon/node';
import { openLlama } from './llama.ts';

configureLog('info', (line) => process.stdout.write(line));

const product = await startProduct({
  config: {
    listen: { http: `127.0.0.1:${process.env.PORT ?? 8080}`, grpc: 'off', envoy: 'off', admin: 'off' },
    database: 'sqlite:./data/antiphon.db',
    models: [{ match: '*', backend: 'llama', url: process.env.LLAMA_URL ?? 'http://127.0.0.1:8000' }],
  },
  backends: { llama: openLlama },
});
process.once('SIGTERM', () => void product.stop());
