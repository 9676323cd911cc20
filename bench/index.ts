/** Runs the benches: `npm run bench`, or one of them: `npm run bench -- dane`. Each is a function in a file of its own. */
import { benchDane } from './dane.ts';
import { benchReader } from './reader.ts';

const BENCHES: Readonly<Record<string, () => void>> = { reader: benchReader, dane: benchDane };

const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(BENCHES))
  if (wanted.length === 0 || wanted.includes(name)) bench();
