/** Runs the benches: `npm run bench`. Each is a function in a file of its own. */
import { benchReader } from './reader.ts';

benchReader();
