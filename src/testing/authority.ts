/**
 * What a server answers from its zones.
 *
 * Implements RFC 1034 section 4.3.2, RFC 4592 (wildcards), RFC 6672 section 3.2 (DNAME), RFC 4035 section 3.1 and
 * RFC 5155 section 7.2 (proofs), RFC 6604 (RCODE below an alias), RFC 6891 (EDNS). The role `forwarder` gives the same
 * answers as a recursive resolver would that does not validate.
 * @module
 */
import type { Rcode, RRType } from '../dns/codes.ts';
import type { Edns } from '../dns/edns.ts';
import type { Message, Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { decode, encode } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import { type Claim, proofOf } from './proofs.ts';
import { makeRecord, type Node, type StoredSet, type Zone } from './zone.ts';

export type Role = 'authoritative' | 'forwarder';

/** The largest UDP payload that these servers send or take (DNS Flag Day 2020). */
export const SERVER_UDP_SIZE = 1232;
/** Aliases that one reply follows. */
const MAX_ALIASES = 16;

/** The zone in which a server looks for the answer: the deepest, but for DS questions the one above the cut. */
export function zoneFor(zones: readonly Zone[], { name, type }: Question): Zone | undefined {
  const around = zones
    .filter((zone) => name.isAtOrBelow(zone.name))
    .sort((a, b) => b.name.labels - a.name.labels);
  const [deepest, above] = around;
  return type === 'DS' && deepest?.name.equals(name) && above ? above : deepest;
}

/** The whole reply to a query, before anything is amended. */
export function respond(
  zones: readonly Zone[],
  query: Message,
  role: Role = 'authoritative',
): Message {
  const [question] = query.questions;
  if (query.opcode !== 0) return frame(query, role, { rcode: 'NOTIMP' });
  if (!question || query.questions.length > 1) return frame(query, role, { rcode: 'FORMERR' });
  if (query.edns && query.edns.version > 0) return frame(query, role, { rcode: 'BADVERS' });
  const draft = new Draft(query.edns?.dnssecOk ? 'dnssec' : 'plain', role);
  search(zones, question, draft);
  return frame(query, role, draft);
}

type Body = Partial<
  Pick<Message, 'rcode' | 'authoritative' | 'answer' | 'authority' | 'additional'>
>;

function frame(query: Message, role: Role, body: Body): Message {
  const { id, questions, recursionDesired, checkingDisabled } = query;
  return {
    id,
    response: true,
    opcode: query.opcode,
    authoritative: role === 'authoritative' && body.authoritative === true,
    truncated: false,
    recursionDesired,
    recursionAvailable: role === 'forwarder',
    authenticData: false,
    checkingDisabled,
    rcode: body.rcode ?? 'NOERROR',
    questions,
    answer: body.answer ?? [],
    authority: body.authority ?? [],
    additional: body.additional ?? [],
    edns: query.edns && serverEdns(query.edns),
  };
}

const serverEdns = ({ dnssecOk }: Edns): Edns => ({
  udpSize: SERVER_UDP_SIZE,
  version: 0,
  dnssecOk,
  options: [],
});

/** The sections of a reply as they grow; no RRset stands twice in one. */
class Draft {
  rcode: Rcode = 'NOERROR';
  authoritative = true;
  readonly answer: RR[] = [];
  readonly authority: RR[] = [];
  readonly additional: RR[] = [];
  readonly role: Role;
  /** With DNSSEC records only where the client set DO (RFC 4035 section 3.2.1). */
  readonly form: 'dnssec' | 'plain';
  readonly #put = new Set<string>();

  constructor(form: 'dnssec' | 'plain', role: Role) {
    this.form = form;
    this.role = role;
  }

  /** Adds an RRset with its signatures, under the name asked for where a wildcard made it. */
  put(
    section: 'answer' | 'authority' | 'additional',
    set: StoredSet | undefined,
    owner?: Name,
  ): void {
    if (!set) return;
    const key = `${section} ${set.type} ${(owner ?? set.owner).key}`;
    if (this.#put.has(key)) return;
    this.#put.add(key);
    const signatures = this.form === 'dnssec' ? set.signatures : [];
    for (const record of [...set.records, ...signatures])
      this[section].push(owner ? { ...record, owner } : record);
  }

  prove(zone: Zone, claim: Claim): void {
    if (this.form === 'dnssec') for (const set of proofOf(zone, claim)) this.put('authority', set);
  }
}

/** From zone to zone along the aliases, as far as this server's zones lead. */
function search(zones: readonly Zone[], question: Question, draft: Draft): void {
  let name = question.name;
  for (let links = 0; links <= MAX_ALIASES; links += 1) {
    const zone = zoneFor(zones, { name, type: question.type });
    if (!zone) {
      if (links === 0) refuse(draft);
      return;
    }
    const target = searchZone(zone, name, question.type, draft);
    if (!target) return;
    name = target;
  }
}

function refuse(draft: Draft): void {
  draft.rcode = 'REFUSED';
  draft.authoritative = false;
}

/** @returns where an alias leads, when there was one */
function searchZone(zone: Zone, name: Name, type: RRType, draft: Draft): Name | undefined {
  const found = zone.find(name, type);
  switch (found.kind) {
    case 'cut':
      refer(zone, found.node, draft);
      return undefined;
    case 'dname':
      return redirect(found.node, name, draft);
    case 'node':
      return takeFrom(zone, found.node, { name, type, noData: { kind: 'no-data', name } }, draft);
    case 'missing': {
      const { encloser, wildcard } = found;
      if (wildcard) {
        const noData: Claim = { kind: 'wildcard-no-data', name, encloser };
        const proof: Claim = { kind: 'wildcard-answer', name, encloser };
        return takeFrom(zone, wildcard, { name, type, noData, proof }, draft);
      }
      draft.rcode = 'NXDOMAIN';
      deny(zone, { kind: 'no-name', name, encloser }, draft);
      return undefined;
    }
  }
}

interface Wanted {
  readonly name: Name;
  readonly type: RRType;
  /** What is proved where the node has no such type. */
  readonly noData: Claim;
  /** What is proved beside data: that the name itself does not exist. */
  readonly proof?: Claim;
}

/** Data from the node of the name, or of the wildcard that stands for it. */
function takeFrom(zone: Zone, node: Node, wanted: Wanted, draft: Draft): Name | undefined {
  const { name, type, noData, proof } = wanted;
  const owner = proof && name;
  const alias = type === 'CNAME' ? undefined : node.sets.get('CNAME');
  const sets = alias && !SPEAKS_FOR_ITSELF.has(type) ? [alias] : setsOf(node, type);
  if (sets.length === 0) {
    deny(zone, noData, draft);
    return undefined;
  }
  for (const set of sets) draft.put('answer', set, owner);
  if (proof) draft.prove(zone, proof);
  const [first] = alias && sets[0] === alias ? alias.records : [];
  if (first) return decode('CNAME', first.rdata).target;
  if (draft.role === 'authoritative' && !(type === 'NS' && name.equals(zone.name)))
    draft.put('authority', zone.set(zone.name, 'NS'));
  return undefined;
}

/** Types that stand beside a CNAME (RFC 4035 section 2.5) or ask for everything. */
const SPEAKS_FOR_ITSELF: ReadonlySet<RRType> = new Set(['NSEC', 'RRSIG', 'ANY']);

function setsOf(node: Node, type: RRType): readonly StoredSet[] {
  if (type === 'ANY') return [...node.sets.values()];
  if (type !== 'RRSIG') return [...node.sets.values()].filter((set) => set.type === type);
  const records = [...node.sets.values()].flatMap(({ signatures }) => signatures);
  return records.length === 0 ? [] : [{ owner: node.name, type, records, signatures: [] }];
}

/** RFC 2308 section 3: the SOA with the TTL that absence may be kept, and the proof. */
function deny(zone: Zone, claim: Claim, draft: Draft): void {
  const soa = zone.set(zone.name, 'SOA');
  const [first] = soa?.records ?? [];
  if (soa && first) {
    const ttl = Math.min(first.ttl, decode('SOA', first.rdata).minimum);
    const lower = (record: RR): RR => ({ ...record, ttl });
    const { records, signatures } = soa;
    draft.put('authority', {
      ...soa,
      records: records.map(lower),
      signatures: signatures.map(lower),
    });
  }
  draft.prove(zone, claim);
}

/** RFC 4035 section 3.1.4: NS, then DS or the proof that there is none, and the addresses that the zone knows. */
function refer(zone: Zone, cut: Node, draft: Draft): void {
  if (draft.role === 'forwarder') {
    draft.rcode = 'SERVFAIL'; // delegated to servers that this internet does not have
    return;
  }
  if (draft.answer.length === 0) draft.authoritative = false;
  const servers = cut.sets.get('NS');
  draft.put('authority', servers);
  const ds = cut.sets.get('DS');
  if (!ds) draft.prove(zone, { kind: 'no-data', name: cut.name });
  else if (draft.form === 'dnssec') draft.put('authority', ds);
  for (const { rdata } of servers?.records ?? []) {
    const host = decode('NS', rdata).target;
    draft.put('additional', zone.set(host, 'A'));
    draft.put('additional', zone.set(host, 'AAAA'));
  }
}

/** RFC 6672 section 3.2: the DNAME, and the CNAME that it makes for this name. */
function redirect(node: Node, name: Name, draft: Draft): Name | undefined {
  const dname = node.sets.get('DNAME');
  const [record] = dname?.records ?? [];
  if (!record) return undefined;
  draft.put('answer', dname);
  const target = name.replaceSuffix(node.name, decode('DNAME', record.rdata).target);
  if (!target) {
    draft.rcode = 'YXDOMAIN';
    return undefined;
  }
  const cname = makeRecord(name, 'CNAME', record.ttl, encode('CNAME', { target }));
  draft.put('answer', { owner: name, type: 'CNAME', records: [cname], signatures: [] });
  return target;
}
