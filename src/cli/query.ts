/**
 * `danelaw query NAME TYPE`: one question, its answer, and whether that is proven.
 * @module
 */
import { failed } from '../dnssec/outcome.ts';
import { parseName, parseQueryType } from './arguments.ts';
import { EXIT } from './exit.ts';
import type { QueryWords } from './options.ts';
import { type OutcomeView, printOutcome, viewLateness, viewOutcome } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, type World, watched, within } from './world.ts';

export async function query(words: QueryWords, terminal: Terminal, world: World): Promise<number> {
  const type = parseQueryType(words.type);
  const { name, note } = parseName(words.name);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const start = here.environment.clock.now();
  const outcome = await within(here.environment, words.timeoutMs, (signal) =>
    lookup(name, type, signal && { signal }),
  );
  const milliseconds = here.environment.clock.now() - start;
  const view: OutcomeView =
    outcome === 'timed-out'
      ? viewLateness({ name, type }, milliseconds)
      : viewOutcome(outcome, words.trace);
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printOutcome(view, terminal.paint));
  return failed(view) ? EXIT.negative : EXIT.fine;
}
