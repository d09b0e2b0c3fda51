import { createServer } from 'node:http';

// Takes traces and metrics, and does nothing with them: what they cost is measured where they are made.

const server = createServer((request, response) => {
  request.resume().on('end', () => response.end());
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('ready'));
