// Replies put together from records that the zone's own key signed, and what their judgement says in words.
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { collectRRsets, type RRset } from '../../src/dns/rrset.ts';
import type { Limits } from '../../src/dnssec/budget.ts';
import { type Finding, type Judgement, judge } from '../../src/dnssec/judge.ts';
import type { Failure } from '../../src/dnssec/outcome.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
import { internet } from '../../src/testing/index.ts';
import { contextAt } from './support.ts';
import { contextOf, keysOf, record, settle, signedBy, wordsOf } from './world.ts';

export const ZONE = 'example.com';
export const APEX = Name.parse(ZONE);
export const world = internet({
  [ZONE]: ['www A 192.0.2.1'],
  'child.example.com': ['www A 192.0.2.2'],
});
export const keys = keysOf(world, ZONE);
export const SECURE: ZoneTrust = { status: 'secure', keys, ttl: 3600 };
export const UNSIGNED: ZoneTrust = { status: 'insecure', reason: 'no-ds-proven', ttl: 3600 };
export const within = (limits: Partial<Limits>) =>
  contextAt(world.clock.now() / 1000, undefined, limits);

/** `@` ends an owner's label: `www@` is www.example.com. */
export const text = (line: string): string =>
  line.replaceAll('@', `.${ZONE}.`).replace(/^\.e/, 'e');
export const signed = (line: string, by = ZONE): RRset => signedBy(world, by, record(text(line)));
export function bare(...lines: string[]): RRset {
  const [set] = collectRRsets(lines.map((line) => record(text(line))));
  if (!set) throw new RangeError('no record');
  return set;
}
/** As a wildcard made it. */
export const expanded = (line: string, to: string): RRset => ({
  ...signed(line),
  owner: Name.parse(text(to)),
});
export const broken = (set: RRset): RRset => ({ ...set, defect: 'cut off' });

export const SOA = (ttl = 300, minimum = 300): RRset =>
  signed(`example.com. ${ttl} SOA ns.example.com. h.example.com. 1 2 3 4 ${minimum}`);
export const WIDE = `0${'0'.repeat(31)}@ 300 NSEC3 1 1 0 - ${'v'.repeat(32)} A`;

export interface Given {
  readonly trust?: ZoneTrust;
  readonly limits?: Partial<Limits>;
}
export function judgement(
  name: string,
  type: RRType,
  given: Reply,
  { trust, limits }: Given = {},
): Judgement {
  const question = { name: Name.parse(text(name)), type };
  return judge(question, given, APEX, trust ?? SECURE, limits ? within(limits) : contextOf(world));
}
export const found = (...all: Parameters<typeof judgement>): Finding => settle(judgement(...all));

/** `bogus rrsigs-missing of www.example.com. A in example.com.`, and the limit where one was hit. */
export function faultOf(failure: Finding | Failure | ZoneTrust): string {
  if (!('fault' in failure)) return 'found' in failure ? wordsOf(failure) : failure.status;
  const { owner, type, zone, limit } = failure.fault;
  const what = `${failure.status} ${failure.reason} of ${owner} ${type} in ${zone}`;
  return limit === undefined ? what : `${what}: ${limit}`;
}
export const fault = (...all: Parameters<typeof judgement>): string => faultOf(found(...all));
export const types = (sets: readonly RRset[]): string => sets.map(({ type }) => type).join(' ');
export const proofOf = (finding: Finding): string =>
  'found' in finding ? types(finding.found.proof) : finding.status;
export const ttlOf = (finding: Finding): number => ('ttl' in finding ? finding.ttl : -1);

export const crowd = (line: string, type: RRType): RRset => {
  const set = bare(line);
  const [rdata] = set.rdata;
  return { ...set, type, rdata: Array.from({ length: 101 }, () => rdata ?? new Uint8Array()) };
};
