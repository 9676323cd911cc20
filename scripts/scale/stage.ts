/**
 * One size of the model in a process of its own, so that its memory is its own: stage.js OPTIONS, as JSON.
 *
 * Prints the result as JSON, and what it has done so far on stderr.
 * @module
 */
import { type RunOptions, runModel } from './run.ts';

export interface StageOptions
  extends Pick<RunOptions, 'destinations' | 'loss' | 'seed' | 'cacheMb'> {
  /** After which the run ends where it is. */
  readonly minutes: number;
}

/** Between two lines of progress. */
const TELL_MS = 10_000;

// As scale.ts writes it.
const { minutes, ...options } = JSON.parse(process.argv[2] ?? '{}') as StageOptions;
const from = performance.now();
let told = from;
const result = await runModel({
  ...options,
  isTime: () => performance.now() - from > minutes * 60_000,
  onProgress: (done, all) => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    const rss = (process.memoryUsage().rss / 1e6).toFixed(0);
    process.stderr.write(`${done} of about ${all} decisions, ${rss} MB resident\n`);
  },
});
const peakBytes = process.resourceUsage().maxRSS * 1024;
const seconds = (performance.now() - from) / 1000;
process.stdout.write(JSON.stringify({ ...result, peakBytes, seconds }));
