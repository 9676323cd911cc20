/**
 * The next turn of the model's clock, for a process in which nothing but the model happens.
 *
 * Node runs a tick when all promises have settled and without a look at files and sockets, which takes longer than a whole
 * turn of the model. Does not: suit a process with anything real in it, for that would wait as long as the model lasts.
 * @module
 */

/** So many ticks later the event loop has its turn: signals, and what Node and V8 put off. */
const TICKS = 1_000;

/** To be called from one turn at a time. */
export function makeTurn(): (pass: () => void) => void {
  let ticks = 0;
  return (pass) => {
    ticks += 1;
    // A tick that is asked for within a tick comes before the promises that the first one settled: so by way of them.
    if (ticks % TICKS === 0) setImmediate(pass);
    else queueMicrotask(() => process.nextTick(pass));
  };
}
