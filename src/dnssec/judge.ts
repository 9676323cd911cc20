/**
 * The final word on one reply: what it says to one question, in one zone, and whether that is true.
 *
 * Implements RFC 4035 sections 5.3 and 5.4 over the whole reply, RFC 6672 section 5.3.1 (a CNAME is made anew from its
 * signed DNAME) and the signs of a missed cut. Nothing of a reply but answer and proof leaves this file.
 * Does not: follow aliases (each target is a question of its own), find cuts (it returns `missed-cut`), fetch.
 * @module
 */

import type { RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import { cnameTarget, findDname, substitute, synthesise } from './alias.ts';
import type { Context } from './context.ts';
import { bogus, findTooLarge, malformed, spent, unusable } from './delegation.ts';
import { type Denial, proveExpansion, proveNegative, readDenial, type Unproved } from './denial.ts';
import { insecurityDetail } from './detail.ts';
import { type Answer, type Failure, type Fault, failed, type Proof } from './outcome.ts';
import type { NegativeProof } from './proof.ts';
import type { InsecureReason } from './reason.ts';
import type { Reply } from './reply.ts';
import { type Verdict, verifyRRset, type ZoneKeys, type ZoneTrust } from './verify.ts';

/** One CNAME or DNAME at (or above) the name that was asked for. */
export interface Link {
  readonly kind: 'alias';
  readonly owner: Name;
  readonly target: Name;
  /** The CNAME RRset, preceded by the DNAME RRset where one made it. */
  readonly records: readonly RRset[];
  readonly proof: Proof;
}

export type Found = Answer | Link;
type Proven = Extract<NegativeProof, { kind: 'proven' }>;

/** One question judged in one zone. `ttl` is in seconds, bounded by every record that the finding rests on. */
export type Finding = Known | Failure;
type Known =
  | { readonly status: 'secure'; readonly found: Found; readonly ttl: number }
  | {
      readonly status: 'insecure';
      readonly found: Found;
      readonly reason: InsecureReason;
      readonly cause?: Fault;
      readonly ttl: number;
    };

export type Judgement =
  | { readonly kind: 'settled'; readonly finding: Finding }
  /** A cut between the zone and `towards` was not seen on the way down; look for it, and if there is none, `otherwise` holds. */
  | { readonly kind: 'missed-cut'; readonly towards: Name; readonly otherwise: Failure };

/**
 * Judges `reply`, which came from servers of `zone`, as the answer to `question`.
 *
 * @param zone   the lowest known cut at or above the name (for a DS question: above it)
 * @param trust  that zone's; a failed one fails every answer under it
 */
export function judge(
  question: Question,
  reply: Reply,
  zone: Name,
  trust: ZoneTrust,
  context: Context,
): Judgement {
  if (failed(trust)) return settled(trust);
  const answer = reply.answer.filter((set) => speaksOf(set, question.name));
  const authority = reply.authority.filter(({ type }) => PROVES.has(type));
  const tooLarge = findTooLarge([...answer, ...authority], context);
  if (tooLarge) return settled(unusable(zone, tooLarge, 'rrset-records'));
  if (trust.status === 'insecure') return settled(readInsecure(question, reply, zone, trust));
  return new Judge(question, reply, trust.keys, context).judge();
}

/** What is read of an authority section. */
const PROVES: ReadonlySet<RRType> = new Set(['SOA', 'NSEC', 'NSEC3']);

/** The rest of an answer is for another link of the chain, or for nobody, and is not read. */
const speaksOf = ({ owner, type }: RRset, name: Name): boolean =>
  owner.equals(name) || (type === 'DNAME' && name.isBelow(owner));

const settled = (finding: Finding): Judgement => ({ kind: 'settled', finding });

/** The RRsets that were asked for: one, or for ANY all at the name. */
function findAsked({ answer }: Reply, name: Name, type: RRType): readonly RRset[] {
  const asked = answer.filter(
    (set) => (set.type === type || type === 'ANY') && set.owner.equals(name),
  );
  const cname = findRRset(answer, name, 'CNAME');
  const [first] = asked;
  // Nothing may stand beside a CNAME (RFC 1034 section 3.6.2); where something does, the server's order decides.
  return first && cname && answer.indexOf(cname) < answer.indexOf(first) ? [] : asked;
}

const records = (
  rrset: RRset,
  others: readonly RRset[],
  proof: Proof,
): Extract<Answer, { kind: 'records' }> => ({
  kind: 'records',
  rrset,
  ...(others.length > 0 && { others }),
  proof,
});

/** Two findings about RRsets of one name as one. */
function join(a: Known, b: Known): Known {
  if (a.found.kind !== 'records' || b.found.kind !== 'records') return a;
  const { rrset, others = [], proof } = a.found;
  const found = records(
    rrset,
    [...others, b.found.rrset],
    [...new Set([...proof, ...b.found.proof])],
  );
  const ttl = Math.min(a.ttl, b.ttl);
  return { ...(a.status === 'insecure' ? a : b), found, ttl };
}

/** RRSIGs are never signed (RFC 4035 section 2.2): as data they are insecure, and all else about them is proved. */
const unsignable = (zone: Name, rrsigs: RRset): Finding => ({
  status: 'insecure',
  found: records(rrsigs, [], []),
  reason: 'never-signed',
  cause: { zone, owner: rrsigs.owner, type: 'RRSIG' },
  ttl: rrsigs.ttl,
});

/** RFC 2308 section 5: how long an absence may be kept, seconds. */
function negativeTtl(soa: RRset): number {
  const [rdata] = soa.rdata;
  return rdata && soa.defect === undefined ? Math.min(soa.ttl, decode('SOA', rdata).minimum) : 0;
}

const denialIn = ({ authority }: Reply): readonly RRset[] =>
  authority.filter(({ type }) => type === 'NSEC' || type === 'NSEC3');

/** What a reply says where nothing can be verified: the same reading, without proof. */
function readInsecure(
  { name, type }: Question,
  reply: Reply,
  zone: Name,
  { reason, cause }: Extract<ZoneTrust, { status: 'insecure' }>,
): Finding {
  const finding = (found: Found, ttl: number): Finding => ({
    status: 'insecure',
    found,
    reason,
    ...(cause && { cause }),
    ttl,
  });
  const [direct, ...others] = findAsked(reply, name, type);
  if (direct) {
    const broken = [direct, ...others].find(({ defect }) => defect !== undefined);
    const ttl = Math.min(direct.ttl, ...others.map((set) => set.ttl));
    return broken ? unusable(zone, broken) : finding(records(direct, others, []), ttl);
  }
  const dname = findDname(reply, name, zone);
  if (dname) return followDname(dname, name, zone, (link) => finding(link, dname.ttl), []);
  const cname = findRRset(reply.answer, name, 'CNAME');
  if (cname) {
    const target = cnameTarget(cname);
    return target
      ? finding({ kind: 'alias', owner: name, target, records: [cname], proof: [] }, cname.ttl)
      : unusable(zone, cname);
  }
  // An error is no answer, and never becomes an absence.
  if (reply.rcode !== 'NOERROR' && reply.rcode !== 'NXDOMAIN')
    return { status: 'indeterminate', reason: 'unreachable', fault: { zone, owner: name, type } };
  const soa = reply.authority.find((set) => set.type === 'SOA' && name.isAtOrBelow(set.owner));
  const kind = reply.rcode === 'NXDOMAIN' ? 'nxdomain' : 'nodata';
  // Nothing is proved to us, but clients with anchors of their own need what came.
  const proof = [...(soa ? [soa] : []), ...denialIn(reply)];
  return finding({ kind, proof }, soa ? negativeTtl(soa) : 0);
}

function followDname(
  dname: RRset,
  name: Name,
  zone: Name,
  finding: (link: Link) => Finding,
  proof: Proof,
): Finding {
  if (dname.defect !== undefined || dname.rdata.length !== 1) return unusable(zone, dname);
  const target = substitute(dname, name);
  if (!target)
    return {
      status: 'indeterminate',
      reason: 'alias-too-long',
      fault: { zone, owner: dname.owner, type: 'DNAME', dname },
    };
  return finding({
    kind: 'alias',
    owner: name,
    target,
    records: [dname, synthesise(name, target, dname.ttl)],
    proof,
  });
}

/** One reply under one secure zone. Holds what its steps share; used once. */
class Judge {
  readonly #question: Question;
  readonly #reply: Reply;
  readonly #keys: ZoneKeys;
  readonly #context: Context;
  #denial: Denial | undefined;

  constructor(question: Question, reply: Reply, keys: ZoneKeys, context: Context) {
    this.#question = question;
    this.#reply = reply;
    this.#keys = keys;
    this.#context = context;
  }

  judge(): Judgement {
    const { name, type } = this.#question;
    const asked = findAsked(this.#reply, name, type);
    const cname = findRRset(this.#reply.answer, name, 'CNAME');
    const dname = findDname(this.#reply, name, this.#keys.zone);
    // A CNAME without signature of its own is the one that goes with the DNAME, and is made anew.
    const speaksForItself = asked.some((set) => set !== cname);
    if (dname && !speaksForItself && !cname?.signatures.length) return this.#judgeDname(dname);
    const [first, ...others] = asked;
    if (first && type === 'RRSIG' && first.defect === undefined)
      return settled(unsignable(this.#keys.zone, first));
    if (first) return this.#judgeRecords(first, others);
    if (cname) return this.#judgeCname(cname);
    return this.#judgeNegative();
  }

  /** One RRset, or for ANY all that came: RFC 6840 section 4.2 wants each of them valid. */
  #judgeRecords(first: RRset, others: readonly RRset[]): Judgement {
    const judged = [first, ...others].map((set) =>
      this.#judgePositive(set, (rrset, proof) => records(rrset, [], proof)),
    );
    const findings = [];
    for (const judgement of judged) {
      if (judgement.kind === 'missed-cut' || failed(judgement.finding)) return judgement;
      findings.push(judgement.finding);
    }
    return settled(findings.reduce(join));
  }

  #judgePositive(rrset: RRset, read: (rrset: RRset, proof: Proof) => Found): Judgement {
    if (rrset.defect !== undefined) return this.#malformed(rrset);
    const verdict = verifyRRset(rrset, this.#keys, this.#context);
    if (verdict.kind !== 'valid') return this.#unverified(rrset, verdict);
    const { wildcardBelow } = verdict;
    if (!wildcardBelow)
      return settled({ status: 'secure', found: read(verdict.rrset, []), ttl: verdict.rrset.ttl });
    const proof = proveExpansion(this.#readDenial(), rrset.owner, wildcardBelow);
    if (proof.kind === 'spent')
      return settled(spent(this.#keys.zone, rrset.owner, rrset.type, proof.limit));
    if (proof.kind === 'failed')
      return this.#fail(
        rrset,
        proof.reason === 'denial-missing' ? 'wildcard-unproven' : proof.reason,
        proof,
      );
    const ttl = Math.min(verdict.rrset.ttl, ...proof.used.map((set) => set.ttl));
    return settled(this.#weigh(read(verdict.rrset, proof.used), rrset, proof, ttl));
  }

  #judgeCname(cname: RRset): Judgement {
    const target = cnameTarget(cname);
    if (!target) return this.#malformed(cname);
    return this.#judgePositive(cname, (rrset, proof) => ({
      kind: 'alias',
      owner: rrset.owner,
      target,
      records: [rrset],
      proof,
    }));
  }

  #judgeDname(dname: RRset): Judgement {
    if (dname.defect !== undefined || dname.rdata.length !== 1) return this.#malformed(dname);
    const verdict = verifyRRset(dname, this.#keys, this.#context);
    if (verdict.kind !== 'valid') return this.#unverified(dname, verdict);
    // RFC 6672 section 3.3: a DNAME made from a wildcard cannot be told from a forged one.
    if (verdict.wildcardBelow) return this.#fail(dname, 'wildcard-unproven');
    const { ttl } = verdict.rrset;
    return settled(
      followDname(
        verdict.rrset,
        this.#question.name,
        this.#keys.zone,
        (found) => ({ status: 'secure', found, ttl }),
        [],
      ),
    );
  }

  #judgeNegative(): Judgement {
    const { name, type } = this.#question;
    const { zone } = this.#keys;
    const proof = proveNegative(this.#readDenial(), { name, type, rcode: this.#reply.rcode });
    if (proof.kind === 'spent' || proof.kind === 'failed') return this.#unproved(proof);
    const soa = this.#verifiedSoa();
    if (soa?.kind === 'spent') return settled(spent(zone, zone, 'SOA', soa.limit));
    // RFC 4035 section 3.2.3: all of answer and authority is authentic, or it is not.
    if (soa?.kind === 'invalid') return settled(bogus(zone, zone, 'SOA', soa.reason, soa));
    const sets = soa?.kind === 'valid' ? [soa.rrset, ...proof.used] : proof.used;
    const ttl = Math.min(...sets.map((set) => (set.type === 'SOA' ? negativeTtl(set) : set.ttl)));
    const found: Found = { kind: proof.absence, proof: sets };
    return settled(this.#weigh(found, { owner: name, type }, proof, ttl));
  }

  /** The zone's SOA, for the negative TTL and for those who hand the proof on. */
  #verifiedSoa(): Verdict | undefined {
    const soa = findRRset(this.#reply.authority, this.#keys.zone, 'SOA');
    return soa && soa.defect === undefined
      ? verifyRRset(soa, this.#keys, this.#context)
      : undefined;
  }

  #readDenial(): Denial {
    this.#denial ??= readDenial(this.#reply.authority, this.#keys, this.#context);
    return this.#denial;
  }

  #fail(
    { owner, type }: RRset,
    reason: Parameters<typeof bogus>[3],
    found?: Parameters<typeof bogus>[4],
  ): Judgement {
    return settled(bogus(this.#keys.zone, owner, type, reason, found));
  }

  #weigh(
    found: Found,
    { owner, type }: Pick<RRset, 'owner' | 'type'>,
    { insecure, used }: Pick<Proven, 'insecure' | 'used'>,
    ttl: number,
  ): Finding {
    if (!insecure) return { status: 'secure', found, ttl };
    const detail = insecurityDetail(insecure, used, this.#context.policy.nsec3Iterations);
    const cause: Fault = { zone: this.#keys.zone, owner, type, ...(detail && { detail }) };
    return { status: 'insecure', found, reason: insecure, cause, ttl };
  }

  /** Of a child whose cut was missed, and which may be unsigned, or a broken record of the zone. */
  #malformed(rrset: RRset): Judgement {
    const { zone } = this.#keys;
    return this.#orMissedCut([rrset], malformed(zone, rrset));
  }

  #unverified(rrset: RRset, verdict: Exclude<Verdict, { kind: 'valid' }>): Judgement {
    const { zone } = this.#keys;
    if (verdict.kind === 'spent')
      return settled(spent(zone, rrset.owner, rrset.type, verdict.limit));
    return this.#orMissedCut(
      [rrset],
      bogus(zone, rrset.owner, rrset.type, verdict.reason, verdict),
    );
  }

  #unproved(proof: Unproved): Judgement {
    const { zone } = this.#keys;
    const { name, type } = this.#question;
    if (proof.kind === 'spent') return settled(spent(zone, name, type, proof.limit));
    const signed = this.#reply.authority.filter(
      (set) => set.type === 'NSEC' || set.type === 'NSEC3' || set.type === 'SOA',
    );
    // Not even the SOA is signed: the server has a zone without signatures, and no proof was to be had from it.
    const soa = findRRset(signed, zone, 'SOA');
    if (proof.reason === 'denial-missing' && signed.length === 1 && soa?.signatures.length === 0)
      return this.#orMissedCut(signed, bogus(zone, zone, 'SOA', 'rrsigs-missing'));
    return this.#orMissedCut(signed, bogus(zone, name, type, proof.reason, proof));
  }

  /**
   * The sign of a missed cut: no signature by the zone, or one by a signer below it and at or above the name. The DS
   * RRset of a name belongs to the parent, so for a DS question the cut is looked for above the name.
   */
  #orMissedCut(sets: readonly RRset[], otherwise: Failure): Judgement {
    const { zone } = this.#keys;
    const { name, type } = this.#question;
    const lowest = type === 'DS' ? name.parent : name;
    const signers = sets.flatMap((set) => set.signatures.map(({ signer }) => signer));
    const lower = signers.find((signer) => signer.isBelow(zone) && lowest.isAtOrBelow(signer));
    const towards = lower ?? (signers.some((signer) => signer.equals(zone)) ? zone : lowest);
    return towards.isBelow(zone) ? { kind: 'missed-cut', towards, otherwise } : settled(otherwise);
  }
}
