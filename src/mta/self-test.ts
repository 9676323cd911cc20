/**
 * Whether this machine can prove anything at all: the look at clock, trust anchors, forwarder and network that a mail
 * server takes before it lets DANE decide.
 *
 * Four questions, whose answers are signed anew every day by those who are at the top of everything: the SOA records of
 * the root, com, net and org. What cannot be validated makes mail wait in any case (RFC 7672 section 2.1.2); this says
 * why, in place of a thousand deferred messages. Does not: repair anything, or ask for the time.
 * @module
 */
import { Name, ROOT } from '../dns/name.ts';
import { type Failure, failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { REASONS } from '../dnssec/reason.ts';
import type { Clock } from '../environment.ts';

export type SelfTest =
  | { readonly kind: 'fine' }
  /** The machine's clock: behind or ahead of the dates in signatures. */
  | { readonly kind: 'clock'; readonly by: 'behind' | 'ahead'; readonly why: string }
  /** There is no anchor for the root, or none that its keys know. */
  | { readonly kind: 'anchors'; readonly why: string }
  /** The resolver that is asked takes signatures away. */
  | { readonly kind: 'forwarder'; readonly why: string }
  /** No answers, or nothing that can be told apart from an attack. */
  | { readonly kind: 'network'; readonly why: string };

export interface SelfTestParts {
  readonly lookup: Lookup;
  readonly clock: Pick<Clock, 'now'>;
  /** The forwarder as the operator knows it; absent where the root is asked. */
  readonly upstream?: string;
  readonly signal?: AbortSignal;
}

const ASKED: readonly Name[] = [ROOT, ...['com', 'net', 'org'].map((text) => Name.parse(text))];

/** Asks, and concludes. Rejects for an aborted signal only, as the look-up does. */
export async function selfTest({
  lookup,
  clock,
  upstream,
  signal,
}: SelfTestParts): Promise<SelfTest> {
  const options = signal && { signal };
  const outcomes = await Promise.all(ASKED.map((name) => lookup(name, 'SOA', options)));
  return concludeSelfTest(outcomes, clock.now(), upstream);
}

/**
 * What the answers to the four questions come to.
 * @param now       milliseconds since 1970, by the clock in question
 * @param upstream  the forwarder, where one was asked
 */
export function concludeSelfTest(
  outcomes: readonly Outcome[],
  now: number,
  upstream?: string,
): SelfTest {
  const failures = outcomes.filter(failed);
  const isProved = outcomes.some(({ status }) => status === 'secure');
  const dates = checkDates(failures, now, isProved ? 2 : 1);
  // One that was proved shows that proofs can be had: another fault is that zone's own.
  if (isProved) return dates ?? checkFreshness(outcomes, now);
  const unproved = outcomes.find(({ status }) => status === 'insecure');
  if (unproved?.status === 'insecure')
    return { kind: 'anchors', why: `nothing is proved: ${REASONS[unproved.reason].text}` };
  return blame(failures, upstream, dates);
}

type Clocked = Extract<SelfTest, { kind: 'clock' }>;

/** @param enough  so many zones with dates that do not fit are no mistake of one of them */
function checkDates(
  failures: readonly Failure[],
  now: number,
  enough: number,
): Clocked | undefined {
  const wrong = (by: Clocked['by'], sign: Failure['reason']): Clocked | undefined => {
    const all = failures.filter(({ reason }) => reason === sign);
    const why = `${REASONS[sign].text}${at(now)}`;
    return all.length < enough ? undefined : { kind: 'clock', by, why };
  };
  return wrong('behind', 'signature-not-yet-valid') ?? wrong('ahead', 'signature-expired');
}

/** Reasons that only one thing brings about go first; silence says the least. */
function blame(
  failures: readonly Failure[],
  upstream: string | undefined,
  dates: Clocked | undefined,
): SelfTest {
  const reasons = failures.map(({ reason }) => reason);
  const has = (...some: readonly Failure['reason'][]) => reasons.find((one) => some.includes(one));
  const stripped = has('signatures-stripped', 'rrsigs-missing', 'dnskey-unsigned');
  if (stripped && upstream !== undefined)
    return { kind: 'forwarder', why: `${upstream} removes signatures: it is not DNSSEC capable` };
  if (dates) return dates;
  const strange = has('anchor-outdated', 'dnskey-missing');
  if (strange) return { kind: 'anchors', why: REASONS[strange].text };
  const [first] = reasons;
  const where = upstream === undefined ? '' : ` (asked through ${upstream})`;
  return { kind: 'network', why: `${first ? REASONS[first].text : 'nothing was asked'}${where}` };
}

/**
 * Hours. Large zones sign their SOA with each change, many times a day, and the root does so twice; SOA records of com and
 * net are kept for minutes only, by forwarders too. A clock that is a day ahead finds nothing younger than a day.
 */
const FRESH_HOURS = 20;
const HOUR = 3_600_000;

/** Signatures hold for weeks, so a clock that is days ahead proves everything: only their beginnings give it away. */
function checkFreshness(outcomes: readonly Outcome[], now: number): SelfTest {
  const begun = outcomes.flatMap((outcome) =>
    outcome.status === 'secure' && outcome.answer.kind === 'records'
      ? outcome.answer.rrset.signatures.map(({ inception }) => inception * 1000)
      : [],
  );
  const youngest = Math.max(...begun);
  if (!(now - youngest > FRESH_HOURS * HOUR)) return { kind: 'fine' };
  const hours = Math.floor((now - youngest) / HOUR);
  const why = `the youngest signature at the top of the DNS is ${hours} hours old${at(now)}`;
  return { kind: 'clock', by: 'ahead', why };
}

const at = (now: number): string => `; the clock says ${new Date(now).toISOString()}`;

/** One line for the operator: what is wrong, and where to look. */
export function printSelfTest(test: Exclude<SelfTest, { kind: 'fine' }>): string {
  switch (test.kind) {
    case 'clock':
      return `the clock of this machine seems to be ${test.by}: ${test.why}; set it, and keep it by NTP`;
    case 'anchors':
      return `the trust anchors do not fit the root: ${test.why}; bring new ones (IANA's root-anchors.xml) with --trust-anchor`;
    case 'forwarder':
      return `${test.why}; ask one that is, or leave --forward out`;
    case 'network':
      return `nothing could be proved: ${test.why}; see that DNS gets through to the outside, over UDP and TCP`;
  }
}
