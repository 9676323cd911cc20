/**
 * Proofs of absence that were judged secure, by zone, so that they may speak of other names too: RFC 8198.
 *
 * Only what a finding rests on comes here: what a reply held beside, and what was never judged, does not. Records hold for
 * as long as the finding did, and for as long as the zone's keys are believed under which it was judged. Opt-out spans
 * and records made for one question (RFC 9824) are left out. All that denies is of one version of the zone, by the serial
 * of its SOA: what two versions deny together may never have been absent, and a replayed proof would deny what is new.
 * Does not: search for an answer (see aggressive.ts), ask.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import { countedLabels } from '../dnssec/canonical.ts';
import type { Finding } from '../dnssec/judge.ts';
import { readNsec } from '../dnssec/nsec.ts';
import { type Nsec3, readNsec3 } from '../dnssec/nsec3.ts';
import { provesCompactly } from '../dnssec/proof.ts';
import type { ZoneTrust } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';
import { Cache, type Held } from './cache.ts';
import { type Packed, packSet, unpackSet } from './packed.ts';
import { type Ends, orderKey, Spans } from './spans.ts';

/** One RRset that is kept, and for how long. */
interface Piece {
  readonly packed: Packed;
  readonly learntAt: number;
  readonly expiresAt: number;
}
interface Span extends Piece, Ends {
  /** `unknown`: no SOA came with it, as with an expanded wildcard. It shows that such a one was, and denies nothing. */
  readonly version: Version;
}
type Version = 'current' | 'unknown';
type Parameters = Pick<Nsec3, 'iterations' | 'salt'>;
interface Hashed extends Parameters {
  readonly spans: Spans<Span>;
}

/** What is kept of one zone. Its weight is that of the moment: a map must not be told another one later. */
interface Entry {
  readonly denial: ZoneDenial;
  readonly learntAt: number;
  readonly expiresAt: number;
  readonly bytes: number;
  readonly rrsets: number;
}

/** What one zone may take of all octets: less than the smallest tier holds, so that it is not thrown out whole. */
const ZONE_SHARE = 1 / 10;
/** Of one zone without its records; of a record without what is packed, the ends of its span among it. Estimates. */
const ZONE_OCTETS = 900;
const PIECE_OCTETS = 240;

export class Denials {
  readonly #clock: Clock;
  readonly #zones: Cache<Entry>;
  readonly #mostOfZone: number;
  readonly #longest: number;

  /** @param longest  for how long absences are kept at most, seconds */
  constructor(clock: Clock, { bytes, longest }: { bytes: number; longest: number }) {
    this.#clock = clock;
    this.#longest = longest;
    this.#mostOfZone = bytes * ZONE_SHARE;
    this.#zones = new Cache(clock, { bytes, weigh: (entry) => entry });
  }

  get held(): Held {
    return this.#zones.held;
  }

  /** Forgets the proofs of zones at and below `name`, and those of `zone`, which it lies in. */
  forgetBelow({ key }: Name, zone: Name): void {
    this.#zones.deleteEnding(key);
    this.#zones.delete(zone.key);
  }

  /** Takes the proof of a secure finding; of any other nothing. `trust` is what it was judged under. */
  keep(zone: Name, trust: ZoneTrust, finding: Finding): void {
    if (trust.status !== 'secure' || finding.status !== 'secure') return;
    const { found } = finding;
    const seconds = Math.min(finding.ttl, this.#longest);
    if (found.proof.length === 0 || seconds <= 0 || provesCompactly(found.proof)) return;
    const now = this.#clock.now();
    const before = this.#zones.get(zone.key);
    const known = before?.denial.trust === trust ? before.denial : undefined;
    const version = versionOf(found, known, now);
    if (version === 'none' || version === 'old') return;
    const isFull = known !== undefined && known.bytes >= this.#mostOfZone;
    // What says nothing of a version must not make one forgotten: an older one could be replayed then.
    if (isFull && version === 'unknown') return;
    const denial = known && !isFull && version !== 'new' ? known : new ZoneDenial(zone, trust);
    denial.add(found, { now, seconds, version: version === 'unknown' ? 'unknown' : 'current' });
    const { bytes, rrsets } = denial;
    const expiresAt = Math.max(before?.expiresAt ?? 0, now + seconds * 1000);
    const entry: Entry = { denial, learntAt: now, expiresAt, bytes, rrsets };
    this.#zones.set(zone.key, entry, zone.labels <= 1 ? 'guarded' : 'common');
  }

  /** What is kept of the zone, if it was judged under this same trust. */
  of(zone: Name, trust: ZoneTrust): ZoneDenial | undefined {
    const denial = this.#zones.get(zone.key)?.denial;
    return denial?.trust === trust ? denial : undefined;
  }
}

type Known = Extract<Finding, { status: 'secure' }>['found'];
interface Lasting {
  readonly now: number;
  readonly seconds: number;
  readonly version: Version;
}

/**
 * Of which version of the zone a finding speaks, seen from what is known of it. An absence without SOA is of none: whoever
 * replays it may have left it out.
 */
function versionOf(
  { kind, proof }: Known,
  known: ZoneDenial | undefined,
  now: number,
): 'current' | 'new' | 'old' | 'unknown' | 'none' {
  const soa = proof.find(({ type }) => type === 'SOA');
  if (!soa) return kind === 'records' || kind === 'alias' ? 'unknown' : 'none';
  const last = known?.serial;
  const serial = serialOf(soa);
  if (last === undefined || last === serial) return 'current';
  // RFC 1982 section 3.2. One that goes back counts when nothing says any more that there was another.
  const isOlder = ((serial - last) | 0) < 0;
  return isOlder && known?.soa(now) ? 'old' : 'new';
}

const serialOf = ({ rdata: [soa] }: RRset): number => (soa ? decode('SOA', soa).serial : 0);

/** The denial records of one zone, all judged under one trust, with its SOA and the wildcards that were expanded. */
export class ZoneDenial {
  readonly trust: ZoneTrust;
  readonly #zone: Name;
  #soa: (Piece & { readonly seconds: number; readonly serial: number }) | undefined;
  readonly #nsec = new Spans<Span>();
  #nsec3: Hashed | undefined;
  /** By type and the name that the wildcard stands directly below. */
  readonly #wildcards = new Map<string, Piece>();
  #bytes = ZONE_OCTETS;
  #rrsets = 0;

  constructor(zone: Name, trust: ZoneTrust) {
    this.#zone = zone;
    this.trust = trust;
  }

  /** Octets that it takes, and the RRsets in it. */
  get bytes(): number {
    return this.#bytes;
  }

  get rrsets(): number {
    return this.#rrsets;
  }

  add(found: Known, lasting: Lasting): void {
    for (const set of found.proof) this.#addProof(set, lasting);
    const [own] =
      found.kind === 'alias' ? found.records : found.kind === 'records' ? [found.rrset] : [];
    if (own) this.#addWildcard(own, lasting);
  }

  #addProof(set: RRset, lasting: Lasting): void {
    switch (set.type) {
      case 'SOA':
        this.#count(this.#soa, -1);
        this.#soa = {
          ...this.#piece(set, lasting),
          seconds: lasting.seconds,
          serial: serialOf(set),
        };
        return;
      case 'NSEC':
        this.#addNsec(set, lasting);
        return;
      case 'NSEC3':
        this.#addNsec3(set, lasting);
        return;
    }
  }

  #addNsec(set: RRset, lasting: Lasting): void {
    const nsec = readNsec(set, this.#zone);
    // A record of a signed zone has both bits; one without was made for a question by who knows what.
    if (!nsec?.types.includes('NSEC') || !nsec.types.includes('RRSIG')) return;
    const ends = { from: orderKey(nsec.owner), to: orderKey(nsec.next) };
    this.#putSpan(this.#nsec, set, ends, lasting);
  }

  #addNsec3(set: RRset, lasting: Lasting): void {
    const nsec3 = readNsec3(set, this.#zone);
    // In an opt-out span there may be anything that is not signed (RFC 8198 section 5.2).
    if (!nsec3 || nsec3.optOut) return;
    const { iterations, salt, hash: from, next: to } = nsec3;
    if (!this.#nsec3 || !isSameHash(this.#nsec3, nsec3)) {
      if (this.#nsec3 && lasting.version === 'unknown') return;
      for (const span of this.#nsec3?.spans ?? []) this.#count(span, -1);
      this.#nsec3 = { iterations, salt: new Uint8Array(salt), spans: new Spans() };
    }
    this.#putSpan(this.#nsec3.spans, set, { from, to }, lasting);
  }

  #putSpan(spans: Spans<Span>, set: RRset, ends: Ends, lasting: Lasting): void {
    const { version } = lasting;
    const isKnown = (old: Span): boolean => old.version === 'current';
    if (version === 'unknown' && spans.inside(ends).some(isKnown)) return;
    const span = { ...this.#piece(set, lasting), ...ends, version };
    for (const old of spans.put(span)) this.#count(old, -1);
  }

  #addWildcard(set: RRset, lasting: Lasting): void {
    const [signature] = set.signatures;
    if (!signature || signature.labels >= countedLabels(set.owner)) return;
    const encloser = set.owner.ancestor(signature.labels);
    const key = `${set.type} ${encloser.key}`;
    this.#count(this.#wildcards.get(key), -1);
    this.#wildcards.set(key, this.#piece(set, lasting));
  }

  #piece(set: RRset, { now, seconds }: Lasting): Piece {
    const ttl = Math.min(set.ttl, seconds);
    const piece = { packed: packSet({ ...set, ttl }), learntAt: now, expiresAt: now + ttl * 1000 };
    this.#count(piece, 1);
    return piece;
  }

  #count(piece: Piece | undefined, sign: 1 | -1): void {
    if (!piece) return;
    this.#bytes += sign * (PIECE_OCTETS + piece.packed.length);
    this.#rrsets += sign;
  }

  /** How names are hashed, where the zone denies by NSEC3. */
  get hashing(): Parameters | undefined {
    return this.#nsec3;
  }

  get hasWildcards(): boolean {
    return this.#wildcards.size > 0;
  }

  soa(now: number): RRset | undefined {
    return alive(this.#soa, now);
  }

  /** Of the zone's last version that was seen. */
  get serial(): number | undefined {
    return this.#soa?.serial;
  }

  /** The records that begin at a name or hash, or lie over it, and may deny. */
  at(chain: 'nsec' | 'nsec3', key: string, now: number): RRset | undefined {
    return this.#current(this.#spans(chain)?.at(key), now);
  }

  over(chain: 'nsec' | 'nsec3', key: string, now: number): RRset | undefined {
    return this.#current(this.#spans(chain)?.over(key), now);
  }

  /** The record that lies over it, for a wildcard: of whatever version. */
  beside(chain: 'nsec' | 'nsec3', key: string, now: number): RRset | undefined {
    return this.#young(this.#spans(chain)?.over(key), now);
  }

  /** The RRset of a wildcard directly below `encloser`, under the name for which it came. */
  wildcard(type: RRType, encloser: Name, now: number): RRset | undefined {
    return alive(this.#wildcards.get(`${type} ${encloser.key}`), now);
  }

  #spans(chain: 'nsec' | 'nsec3'): Spans<Span> | undefined {
    return chain === 'nsec' ? this.#nsec : this.#nsec3?.spans;
  }

  #current(span: Span | undefined, now: number): RRset | undefined {
    return span?.version === 'current' ? this.#young(span, now) : undefined;
  }

  /** RFC 9077 section 3: no denial record is used for longer than the SOA allows, whatever it came with. */
  #young(span: Span | undefined, now: number): RRset | undefined {
    const isOld = span && this.#soa && now - span.learntAt >= this.#soa.seconds * 1000;
    return isOld ? undefined : alive(span, now);
  }
}

/**
 * The RRset as it is now, its TTL counted down; its first signature is the one that verified. Nothing is from a time that
 * is still to come: when the clock is put back, the map drops all of the zone.
 */
function alive(piece: Piece | undefined, now: number): RRset | undefined {
  if (!piece || piece.expiresAt <= now) return undefined;
  return unpackSet(piece.packed, Math.floor((now - piece.learntAt) / 1000));
}

const isSameHash = (a: Parameters, b: Parameters): boolean =>
  a.iterations === b.iterations && Buffer.compare(a.salt, b.salt) === 0;
