/** Whether this is `npm run test:long`, which leaves nothing out. */
export const LONG = process.env.TEST_LONG === '1';
