/**
 * What the servers say, fetched and scrubbed but not judged: for clients that set CD and validate themselves (RFC 4035
 * section 3.2.2, RFC 6840 section 5.9).
 *
 * Nothing of it is kept, so nobody else is answered from it. Does not: prove anything; there is no status here.
 * @module
 */
import type { Rcode, RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Limits } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import { spent } from '../dnssec/delegation.ts';
import { type Finding, judge } from '../dnssec/judge.ts';
import { type Failure, failed } from '../dnssec/outcome.ts';
import type { ZoneTrust } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';
import { checkType } from './check-type.ts';
import { contextOf } from './context.ts';
import { Job } from './job.ts';
import { blocked, type Private } from './rebinding.ts';
import type { Scrubbed } from './scrub.ts';
import type { Walk } from './walk.ts';

export type Unchecked =
  | {
      readonly kind: 'reply';
      readonly rcode: Extract<Rcode, 'NOERROR' | 'NXDOMAIN'>;
      /** Aliases in their order, and what stands at their end. */
      readonly answer: readonly RRset[];
      /** SOA, NSEC and NSEC3 RRsets as they came with the last reply. */
      readonly authority: readonly RRset[];
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type FetchUnchecked = (name: Name, type: RRType) => Promise<Unchecked>;

/** Under which a reply is read without proof. */
const UNJUDGED: ZoneTrust = { status: 'insecure', reason: 'no-trust-anchor', ttl: 0 };

export interface UncheckedParts {
  readonly walk: Walk;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly limits: Partial<Limits>;
  readonly private: Private;
}

export const makeFetchUnchecked =
  (parts: UncheckedParts): FetchUnchecked =>
  async (name, type) => {
    checkType(type);
    const job = Job.begin(parts.clock, parts.limits);
    const answer: RRset[] = [];
    for (let at = name; ; ) {
      const arrival = await parts.walk.to({ name: at, type }, job);
      if (arrival.kind === 'not-asked')
        throw new RangeError('a question that may be asked was not');
      if (arrival.kind === 'unreachable') return { kind: 'failed', failure: arrival.failure };
      const { cut, reply } = arrival;
      const read = readChain({ name: at, type }, reply, cut.name, contextOf(parts, job));
      answer.push(...read.sets);
      if (read.kind === 'failed') return read;
      if (read.kind === 'end') {
        const end = endOf(read.finding, answer, reply);
        const failure = blocked(end.answer, cut.name, parts.private);
        return failure ? { kind: 'failed', failure } : end;
      }
      if (answer.length > 2 * job.budget.limits['alias-links'])
        return { kind: 'failed', failure: spent(cut.name, at, 'CNAME', 'alias-links') };
      at = read.target;
    }
  };

type Read = { readonly sets: readonly RRset[] } & (
  | { readonly kind: 'end'; readonly finding: Known }
  | { readonly kind: 'goes-on'; readonly target: Name }
  | { readonly kind: 'failed'; readonly failure: Failure }
);
type Known = Exclude<Finding, Failure>;

/** As many links of a chain of aliases as one reply shows. */
function readChain(
  question: { readonly name: Name; readonly type: RRType },
  reply: Scrubbed,
  zone: Name,
  context: Parameters<typeof judge>[4],
): Read {
  const sets: RRset[] = [];
  const seen = new Set<string>();
  for (let { name } = question; ; ) {
    const judgement = judge({ ...question, name }, reply, zone, UNJUDGED, context);
    if (judgement.kind !== 'settled')
      throw new RangeError('no cut is missed where none is looked for');
    const { finding } = judgement;
    if (failed(finding)) return { kind: 'failed', failure: finding, sets };
    if (finding.found.kind !== 'alias') {
      const isShown = finding.found.kind === 'records' || finding.found.proof.length > 0;
      if (name !== question.name && !isShown) return { kind: 'goes-on', target: name, sets };
      return { kind: 'end', finding, sets };
    }
    sets.push(...finding.found.records);
    if (question.type === 'CNAME') return { kind: 'end', finding, sets }; // it is what was asked for
    if (seen.has(name.key)) return { kind: 'failed', failure: loop(zone, name), sets };
    seen.add(name.key);
    name = finding.found.target;
    if (!name.isAtOrBelow(zone)) return { kind: 'goes-on', target: name, sets };
  }
}

const loop = (zone: Name, owner: Name): Failure => ({
  status: 'indeterminate',
  reason: 'alias-loop',
  fault: { zone, owner, type: 'CNAME' },
});

function endOf(
  { found }: Known,
  aliases: readonly RRset[],
  reply: Scrubbed,
): Extract<Unchecked, { kind: 'reply' }> {
  const own = found.kind === 'records' ? [found.rrset, ...(found.others ?? [])] : [];
  return {
    kind: 'reply',
    rcode: found.kind === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR',
    answer: [...aliases, ...own],
    authority: reply.authority.filter(({ type }) => PROOF.has(type)),
  };
}

const PROOF: ReadonlySet<RRType> = new Set(['SOA', 'NSEC', 'NSEC3']);
