/**
 * One worker process as its owner sees it: loaded, asked to run tests, and ended when it does not answer.
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Begin, Order, Ran, Ready } from './worker.ts';

/** Loading takes a second or two; on a busy machine more. */
const LOADING_MS = 60_000;
/** A mutant that fills the memory ends its own process, not those of others. */
const HEAP = '--max-old-space-size=1500';

/** Why there is no worker: in its own words, or because it said nothing in time. */
export type Unloaded =
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'silent' };
export type Started = { readonly kind: 'ready'; readonly runner: Runner } | Unloaded;

export class Runner {
  readonly ready: Ready;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start(begin: Omit<Begin, 'kind'>): Promise<Started> {
    const worker = new URL('./worker.js', import.meta.url);
    const child = fork(worker, { stdio: 'ignore', execArgv: [HEAP] });
    const answer = await exchange(child, { kind: 'begin', ...begin }, LOADING_MS);
    if (answer?.kind === 'ready') return { kind: 'ready', runner: new Runner(child, answer) };
    child.kill('SIGKILL');
    return answer?.kind === 'broken' ? answer : { kind: 'silent' };
  }

  /** @returns `undefined` when the test did not end in time, or ended the process */
  async run(test: number, active: number, timeoutMs: number): Promise<Ran | undefined> {
    const answer = await exchange(this.#child, { kind: 'run', test, active }, timeoutMs);
    return answer?.kind === 'ran' ? answer : undefined;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

function exchange(
  child: ChildProcess,
  order: Order,
  timeoutMs: number,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const settle = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      child.off('message', settle);
      child.off('exit', gone);
      resolve(answer);
    };
    const gone = (): void => settle(undefined);
    const timer = setTimeout(gone, timeoutMs);
    child.on('message', settle);
    child.on('exit', gone);
    if (child.connected) child.send(order);
    else gone();
  });
}
