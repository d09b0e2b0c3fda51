import { runInProcess } from '../in-process.ts';

runInProcess();
