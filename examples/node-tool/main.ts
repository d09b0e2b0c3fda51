import { configureLog } from 'antiphon';
import { startProduct } from 'antiphon/node';
import { dice } from './dice.ts';

configureLog('info', (line) => process.stdout.write(line));

// The whole product, as `antiphon` starts it, with a tool. The models are those of OPENAI_BASE_URL, or of a `models` here.
const product = await startProduct({
  config: {
    listen: { http: `127.0.0.1:${process.env.PORT ?? 8080}`, grpc: 'off', envoy: 'off', admin: 'off' },
    database: 'sqlite:./data/antiphon.db',
  },
  tools: [dice],
});
process.once('SIGTERM', () => void product.stop());
