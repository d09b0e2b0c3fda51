import { runInProcess } from '../support/in-process.ts';

runInProcess();
