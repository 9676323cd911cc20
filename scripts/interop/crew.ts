/**
 * The programs that the interop suite starts, so that none of them outlives it.
 *
 * Each runs in a process group of its own: Ctrl-C on the terminal reaches the suite alone, which then ends them in
 * order. Does not: know what the programs are, or touch one that it did not start.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The whole group is killed after that long. */
  readonly timeoutMs?: number;
  /** For its standard input; none where it is left out. */
  readonly input?: string;
}

export interface Finished {
  /** `undefined` where a signal ended the program: ours, when it took too long. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** A command may take that long if nobody says otherwise: installing packages is the longest of all. */
const DEFAULT_TIMEOUT_MS = 600_000;

/** What a server gets to end by itself after SIGTERM. */
const GRACE_MS = 3000;

export class Crew {
  readonly #running = new Set<ChildProcess>();
  #ended = false;

  /** Runs a command to its end. A crew that has ended never answers: its caller is being torn down. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
    if (this.#ended) return new Promise(() => {});
    const started = performance.now();
    const child = this.#spawn(command, options, 'pipe');
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const timer = setTimeout(
      () => signal(child, 'SIGKILL'),
      options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    );
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(status ?? undefined));
    }).finally(() => {
      clearTimeout(timer);
      this.#running.delete(child);
    });
    if (this.#ended) return new Promise(() => {});
    const milliseconds = performance.now() - started;
    return { code, stdout: stdout(), stderr: stderr(), milliseconds };
  }

  /** As `run`, for a command that must succeed: else an Error with the last lines that it said. */
  async must(command: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    if (code !== 0)
      throw new Error(
        `${command.join(' ')} failed (${code ?? 'killed'}): ${tail(stderr + stdout)}`,
      );
    return stdout;
  }

  /** Starts a server whose output goes to `file`, and waits until `ready` finds what it looks for. */
  async start(
    command: readonly string[],
    options: { file: string; ready: (said: string) => boolean; env?: NodeJS.ProcessEnv },
  ): Promise<void> {
    if (this.#ended) return new Promise(() => {});
    const output = openSync(options.file, 'w');
    const child = this.#spawn(command, options, output);
    closeSync(output);
    let over: string | undefined;
    child.once('error', (error) => {
      over = error.message;
    });
    child.once('exit', (code) => {
      over = `ended with ${code ?? 'a signal'}`;
    });
    for (let tries = 0; tries < 300; tries += 1) {
      if (options.ready(readFileSync(options.file, 'utf8'))) return;
      if (over !== undefined) break;
      await sleep(100);
    }
    const said = tail(readFileSync(options.file, 'utf8'));
    throw new Error(`${command.join(' ')} does not start: ${over ?? 'not ready'} ${said}`);
  }

  /** Ends everything that still runs, the youngest first. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.release();
  }

  /** Ends the servers started so far; the crew goes on. */
  async release(): Promise<void> {
    const children = [...this.#running].reverse();
    for (const child of children) signal(child, 'SIGTERM');
    const deadline = Date.now() + GRACE_MS;
    while (children.some(alive) && Date.now() < deadline) await sleep(50);
    for (const child of children) signal(child, 'SIGKILL');
    for (const child of children) this.#running.delete(child);
  }

  #spawn(command: readonly string[], options: RunOptions, output: 'pipe' | number): ChildProcess {
    const [program = '', ...parameters] = command;
    const env = { ...process.env, ...options.env };
    const { input } = options;
    const child = spawn(program, parameters, {
      env,
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
    });
    child.stdin?.on('error', () => {}); // a program that does not read to the end is told by its exit code
    child.stdin?.end(input);
    this.#running.add(child);
    return child;
  }
}

function collect(stream: ChildProcess['stdout']): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

const alive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null && child.pid !== undefined;

/** Signals a program's group, whose number is the program's own; the group may live on when the program is gone. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone.
  }
}

export const tail = (text: string): string => text.trim().split('\n').slice(-5).join(' | ');
