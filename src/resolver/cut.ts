/**
 * How zone cuts are made: from a referral, or from a parent's word on a zone that its own servers are taken to serve.
 *
 * Does not: judge the evidence, or keep the cut.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset } from '../dns/rrset.ts';
import { type Evidence, evidenceIn } from '../dnssec/delegation.ts';
import type { ServerAddress } from '../environment.ts';
import type { Meaning } from './classify.ts';
import { DNS_PORT } from './hints.ts';
import { ownName } from './own.ts';
import {
  type Packed,
  packEvidence,
  packNameservers,
  unpackEvidence,
  unpackNameservers,
} from './packed.ts';
import type { Scrubbed } from './scrub.ts';
import { isSomebody, MAX_ADDRESSES, type Nameserver, type ZoneCut } from './zone.ts';

/** A TTL of the parent's that is longer counts as a day. */
const LONGEST_S = 86_400;

type Referral = Extract<Meaning, { kind: 'referral' }>;

/** @param now  milliseconds on the Clock's scale */
export const cutByReferral = (
  parent: ZoneCut,
  referral: Referral,
  reply: Scrubbed,
  now: number,
): ZoneCut =>
  new PackedCut(
    {
      name: ownName(referral.child),
      parent,
      role: 'authoritative',
      known: 'by-referral',
      learntAt: now,
      expiresAt: endOf(parent, referral.ns.ttl, now),
    },
    packNameservers(nameserversIn(referral, reply)),
    evidenceIn(reply, referral.child),
  );

/** A cut below `parent` that the parent's own servers serve, as far as one can tell. */
export function cutByProbe(parent: ZoneCut, name: Name, evidence: Evidence, now: number): ZoneCut {
  const sets = evidence.ds ? [evidence.ds] : evidence.denial;
  const seconds = Math.min(LONGEST_S, ...sets.map(({ ttl }) => ttl));
  const expiresAt = endOf(parent, seconds, now);
  const { role } = parent;
  const place: Place = {
    name: ownName(name),
    parent,
    role,
    known: 'by-probe',
    learntAt: now,
    expiresAt,
  };
  const nameservers =
    parent instanceof PackedCut ? parent.packedNameservers : packNameservers(parent.nameservers);
  return new PackedCut(place, nameservers, evidence);
}

/** The same cut, asked at other servers. */
export const servedBy = (cut: ZoneCut, nameservers: readonly Nameserver[]): ZoneCut => ({
  name: cut.name,
  parent: cut.parent,
  role: cut.role,
  nameservers,
  evidence: cut.evidence,
  showsDs: cut.showsDs,
  known: cut.known,
  learntAt: cut.learntAt,
  expiresAt: cut.expiresAt,
});

/** Octets that a cut takes, with what is believed of its zone. */
export function weighCut(cut: ZoneCut): { readonly bytes: number; readonly rrsets: number } {
  const packed = cut instanceof PackedCut ? cut.packedOctets : 0;
  const keys = cut.showsDs ? TRUST_OCTETS : 0;
  const rrsets = cut instanceof PackedCut ? cut.rrsets : 1;
  const hot = isHot(cut.name) ? HOT_OCTETS : 0;
  return { bytes: CUT_OCTETS + packed + keys + hot, rrsets: rrsets + (cut.showsDs ? 1 : 0) };
}
/** Of a cut without what is packed: the object, its name and its times. Of the keys of a signed zone. Estimates. */
const CUT_OCTETS = 500;
const TRUST_OCTETS = 1200;
/** What every walk passes: read once, and kept as it was read (see held-trust.ts for the keys). */
export const isHot = (zone: Name): boolean => zone.labels <= 1;
/** Of a hot cut: some dozen name servers as objects, and the keys. An estimate. */
const HOT_OCTETS = 6_000;

type Place = Omit<ZoneCut, 'nameservers' | 'evidence' | 'showsDs'>;

/** One small object for the life of a cut; what is large about it is a string. */
class PackedCut implements ZoneCut {
  readonly name: Name;
  readonly parent: ZoneCut | undefined;
  readonly role: ZoneCut['role'];
  readonly known: ZoneCut['known'];
  readonly learntAt: number;
  readonly expiresAt: number;
  readonly showsDs: boolean;
  /** Those of the evidence, and the name servers. */
  readonly rrsets: number;
  readonly packedNameservers: Packed;
  readonly #evidence: Packed;
  readonly #hotNameservers: readonly Nameserver[] | undefined;

  constructor(place: Place, nameservers: Packed, evidence: Evidence) {
    this.name = place.name;
    this.parent = place.parent;
    this.role = place.role;
    this.known = place.known;
    this.learntAt = place.learntAt;
    this.expiresAt = place.expiresAt;
    this.showsDs = evidence.ds !== undefined;
    this.rrsets = 1 + (evidence.ds ? 1 : 0) + (evidence.alias ? 1 : 0) + evidence.denial.length;
    this.packedNameservers = nameservers;
    this.#hotNameservers = isHot(place.name) ? unpackNameservers(nameservers) : undefined;
    this.#evidence = packEvidence(evidence);
  }

  get nameservers(): readonly Nameserver[] {
    return this.#hotNameservers ?? unpackNameservers(this.packedNameservers);
  }

  get evidence(): Evidence {
    return unpackEvidence(this.#evidence);
  }

  get packedOctets(): number {
    return this.packedNameservers.length + this.#evidence.length;
  }
}

/** No cut outlives the one above it. */
const endOf = ({ expiresAt }: ZoneCut, seconds: number, now: number): number =>
  Math.min(expiresAt, now + Math.min(seconds, LONGEST_S) * 1000);

/** The servers of a referral with their glue. Glue may lie outside the child, but not outside the zone that sent it. */
const nameserversIn = ({ ns }: Referral, { glue }: Scrubbed): readonly Nameserver[] =>
  ns.rdata.map((rdata) => {
    const host = decode('NS', rdata).target;
    const addresses = (['A', 'AAAA'] as const).flatMap((type) =>
      (findRRset(glue, host, type)?.rdata ?? []).map(
        (one): ServerAddress => ({ ip: decode(type, one).address, port: DNS_PORT }),
      ),
    );
    return { host, addresses: addresses.filter(isSomebody).slice(0, MAX_ADDRESSES) };
  });
