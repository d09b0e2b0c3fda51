import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Runner, Work } from '../../handler/background/runner.ts';
import { type ContractCase, contractCase } from '../../handler/contract.ts';

/** A place for runners. */
export interface RunnerSubject {
  /** Makes the one runner of the place, whose jobs are done by this work. */
  runner(work: Work): Runner;
  /** Whether its work goes on elsewhere when it is closed. */
  outlives: boolean;
  close(): Promise<void>;
}

/** How long something that must not happen is waited for, in milliseconds. */
const PAUSE_MS = 200;

let ids = 0;

/** What every Runner promises, wherever its work runs. */
export const runnerContract: readonly ContractCase<RunnerSubject>[] = [
  contractCase('a job that is started is done, and the work hears whose it is', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.start(job);
    const { given, end } = await jobs.begun(job.id);
    assert.deepEqual(given, job);
    end(true);
  }),

  contractCase('start does not wait for the work, and jobs are done beside each other', async (subject) => {
    const { runner, jobs } = open(subject);
    const [first, second] = [newJob(), newJob()];
    await runner.start(first);
    await runner.start(second);
    const begun = [await jobs.begun(first.id), await jobs.begun(second.id)];
    for (const { end } of begun) end(true);
  }),

  contractCase('a job that is started again while it is done is done once', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.start(job);
    const { end } = await jobs.begun(job.id);
    await runner.start(job);
    end(true);
    await sleep(PAUSE_MS);
    assert.equal(jobs.times(job.id), 1);
  }),

  contractCase('a job that was left to others can be started again', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.start(job);
    (await jobs.begun(job.id)).end(false);
    await sleep(PAUSE_MS); // as whoever looks for such jobs comes later
    await runner.start(job);
    (await jobs.begun(job.id, 2)).end(true);
  }),

  contractCase('stop ends the work on one job, and no other', async (subject) => {
    const { runner, jobs } = open(subject);
    const [job, other] = [newJob(), newJob()];
    await runner.start(job);
    await runner.start(other);
    const { aborted } = await jobs.begun(job.id);
    const { signal, end } = await jobs.begun(other.id);
    await runner.stop({ tenant: job.tenant, id: job.id });
    await aborted;
    await sleep(PAUSE_MS);
    assert.ok(!signal.aborted, 'the work on another job was ended');
    end(true);
  }),

  contractCase('to stop what nobody does, or has done, changes nothing', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.stop(job);
    const next = newJob();
    await runner.start(next);
    (await jobs.begun(next.id)).end(true);
    await runner.stop(next);
    await runner.stop(next);
  }),

  contractCase('where a caller’s jobs are counted, they count until they are done', async (subject) => {
    const { runner, jobs } = open(subject);
    if (!runner.countOf) return;
    const [job, second, other] = [newJob('a'), newJob('a'), newJob('b')];
    assert.equal(runner.countOf('a'), 0);
    for (const one of [job, second, other]) await runner.start(one);
    assert.deepEqual([runner.countOf('a'), runner.countOf('b')], [2, 1]);
    (await jobs.begun(job.id)).end(true);
    while (runner.countOf('a') > 1) await sleep(1);
    (await jobs.begun(second.id)).end(true);
    (await jobs.begun(other.id)).end(true);
    while (runner.countOf('a') + runner.countOf('b') > 0) await sleep(1);
  }),

  contractCase('close lets what runs come to its end, as long as there is patience', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.start(job);
    const { signal, end } = await jobs.begun(job.id);
    const closing = runner.close(60_000);
    await sleep(PAUSE_MS);
    assert.ok(!signal.aborted, 'it was ended with patience left');
    end(true);
    await closing;
  }),

  contractCase('without patience close ends what runs here, and begins nothing more', async (subject) => {
    const { runner, jobs } = open(subject);
    const job = newJob();
    await runner.start(job);
    const { signal, end } = await jobs.begun(job.id);
    await runner.close(0);
    assert.equal(signal.aborted, !subject.outlives);
    end(true);
    if (subject.outlives) return;
    const late = newJob();
    await runner.start(late).catch(() => {});
    await sleep(PAUSE_MS);
    assert.equal(jobs.times(late.id), 0);
  }),
];

function newJob(caller = 'caller'): Job {
  return { tenant: 'tenant', id: `resp_${++ids}`, caller };
}

/** A job that is being done; whoever does it ends when told to, or when it is aborted. */
interface Doing {
  given: Job;
  signal: AbortSignal;
  aborted: Promise<void>;
  end(ended: boolean): void;
}

function open(subject: RunnerSubject): { runner: Runner; jobs: Jobs } {
  const jobs = new Jobs();
  return { runner: subject.runner((job, signal) => jobs.work(job, signal)), jobs };
}

/** A work that tells what it is asked to do. */
class Jobs {
  readonly #begun = new Map<string, Doing[]>();
  #news = Promise.withResolvers<void>();

  work(given: Job, signal: AbortSignal): Promise<boolean> {
    const work = Promise.withResolvers<boolean>();
    const aborted = Promise.withResolvers<void>();
    const leave = () => {
      aborted.resolve();
      work.resolve(true); // its response has ended already
    };
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    const doing = { given, signal, aborted: aborted.promise, end: work.resolve };
    this.#begun.set(given.id, [...(this.#begun.get(given.id) ?? []), doing]);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
    return work.promise;
  }

  times(id: string): number {
    return this.#begun.get(id)?.length ?? 0;
  }

  /** Waits until a job is being done, for the `nth` time. */
  async begun(id: string, nth = 1): Promise<Doing> {
    for (;;) {
      const doing = this.#begun.get(id)?.[nth - 1];
      if (doing) return doing;
      await this.#news.promise;
    }
  }
}
