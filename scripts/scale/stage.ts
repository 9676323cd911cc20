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
const begun = new Date().toISOString();
const from = performance.now();
let told = from;
const result = await runModel({
  ...options,
  isTime: () => performance.now() - from > minutes * 60_000,
  onProgress: (done, all) => {
    const now = performance.now();
    if (now - told < TELL_MS) return;
    told = now;
    const left = ((now - from) * Math.max(0, all / done - 1)) / 60_000;
    const rss = (process.memoryUsage().rss / 1e6).toFixed(0);
    process.stderr.write(
      `${options.destinations}: ${done} of about ${all} decisions, ${rss} MB resident, about ${left.toFixed(1)} minutes left\n`,
    );
  },
});
const peakBytes = process.resourceUsage().maxRSS * 1024;
const seconds = (performance.now() - from) / 1000;
process.stdout.write(JSON.stringify({ ...result, begun, peakBytes, seconds }));
