/**
 * `danelaw openpgpkey ADDRESS` and `danelaw smimea ADDRESS`: the keys of a mail user in the DNS, where they are proved.
 *
 * RFC 7929 section 5 and RFC 8162 section 4 want them used only if secure; so no others are shown.
 * @module
 */
import { printTlsa } from '../dane/tlsa.ts';
import { parseAddress, type UserKeyType, userKeyName } from '../dane/user-keys.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import { failed, type Outcome } from '../dnssec/outcome.ts';
import { parseDomain } from './arguments.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import { type OutcomeView, printOutcome, viewLateness, viewOutcome } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import type { UserKeyWords } from './tlsa-options.ts';
import { openResolver, type World, watched, within } from './world.ts';

/** What `--json` prints. */
interface UserKeyView extends Omit<OutcomeView, 'answer'> {
  /** What was hashed: the part in front of the @, without its quoting. */
  readonly local: string;
  /** Base64 of each OpenPGP key, or the fields of each SMIMEA record; secure ones only. */
  readonly keys: readonly string[];
}

export async function userKeys(
  words: UserKeyWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const { type } = words;
  const address = parseAddress(words.address);
  if (address.kind === 'malformed')
    throw new Misuse(`"${words.address}" is no mail address: ${address.why}`);
  const { local } = address;
  const { name: domain, note } = parseDomain(address.domain);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const name = userKeyName(local, domain, type);
  if (!name) throw new Misuse(`"${words.address}" is too long for ${type} records`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const start = here.environment.clock.now();
  const outcome = await within(here.environment, words.timeoutMs, (signal) =>
    lookup(name, type, signal && { signal }),
  );
  const milliseconds = here.environment.clock.now() - start;
  const isLate = outcome === 'timed-out';
  const { answer, ...view } = isLate
    ? viewLateness({ name, type }, milliseconds)
    : viewOutcome(outcome, 'hidden');
  const found = isLate ? [] : keysIn(outcome, type);
  const shown: UserKeyView = { local, keys: found, ...view };
  if (words.form === 'json') terminal.print(JSON.stringify(shown, undefined, 2));
  else terminal.print(...found, ...printStatus({ ...view, answer }, terminal));
  return found.length > 0 ? EXIT.fine : EXIT.negative;
}

/** The lines behind `;;`: no record of an answer that is not secure. */
function printStatus(view: OutcomeView, { paint }: Terminal): readonly string[] {
  const isUnused = view.status === 'insecure' && view.answer.length > 0;
  return [
    ...printOutcome(view, paint).filter((line) => !view.answer.includes(line)),
    ...(isUnused ? [";; not shown: what nobody signed may be anybody's key"] : []),
  ];
}

function keysIn(outcome: Outcome, type: UserKeyType): readonly string[] {
  if (failed(outcome) || outcome.status !== 'secure' || outcome.answer.kind !== 'records')
    return [];
  return outcome.answer.rrset.rdata.map((rdata) => printKey(rdata, type));
}

const printKey = (rdata: Rdata, type: UserKeyType): string =>
  type === 'OPENPGPKEY'
    ? Buffer.from(decode('OPENPGPKEY', rdata).publicKey).toString('base64')
    : printTlsa(decode('SMIMEA', rdata));
