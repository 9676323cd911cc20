// What the tests of dnssec/ need to judge replies of the testing internet without a resolver: one zone's server is
// asked, its trust comes from the DS that its parent would publish, and the reply goes to the pure floor.
import type { Rcode, RRType } from '../../src/dns/codes.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
import { decode } from '../../src/dns/rdata.ts';
import { collectRRsets, findRRset, type RR, type RRset } from '../../src/dns/rrset.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import type { LimitName } from '../../src/dnssec/budget.ts';
import type { Context } from '../../src/dnssec/context.ts';
import {
  checkDelegation,
  checkKeys,
  type Delegation,
  evidenceIn,
  type Trusted,
} from '../../src/dnssec/delegation.ts';
import { parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { type Finding, type Judgement, judge } from '../../src/dnssec/judge.ts';
import { explain, type Reason } from '../../src/dnssec/reason.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneKeys, ZoneTrust } from '../../src/dnssec/verify.ts';
import type { Internet } from '../../src/testing/index.ts';
import { signingKey } from '../../src/testing/keys.ts';
import { signRRset } from '../../src/testing/signer.ts';
import { nsec3Hash } from '../../src/testing/zone.ts';
import { contextAt, policy } from './support.ts';

const query = (name: Name, type: RRType): Message => ({
  id: 1,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 'NOERROR',
  questions: [{ name, type }],
  answer: [],
  authority: [],
  additional: [],
  edns: { udpSize: 1232, version: 0, dnssecOk: true, options: [] },
});

/** What the server of `zone` says to a question, over TCP. */
export function replyOf(net: Internet, zone: string, name: string, type: RRType): Reply {
  const asked = Name.parse(name);
  for (const server of net.servers) {
    if (server === net.forwarder.ip) continue;
    const reply = net.answer(server, writeMessage(query(asked, type)), 'tcp');
    if (!net.log.at(-1)?.zone?.equals(Name.parse(zone))) continue;
    const [packet] = reply.kind === 'packets' ? reply.packets : [];
    const parsed = packet && parseMessage(packet);
    if (parsed?.kind !== 'message') continue;
    const { rcode, answer, authority } = parsed.message;
    return {
      rcode,
      answer: collectRRsets(answer, type),
      authority: collectRRsets(authority),
    };
  }
  throw new RangeError(`no server of ${zone} answers ${name} ${type}`);
}

/** A context at the time of the internet, or at another time (seconds later). */
export const contextOf = (net: Internet, { later = 0, rules = policy() } = {}): Context =>
  contextAt(net.clock.now() / 1000 + later, rules);

/** The DNSKEYs that a zone publishes, taken for validated. */
export function keysOf(net: Internet, zone: string): ZoneKeys {
  const name = Name.parse(zone);
  const dnskey = findRRset(replyOf(net, zone, zone, 'DNSKEY').answer, name, 'DNSKEY');
  const keys = (dnskey?.rdata ?? []).map(parseDnsKey).filter((key) => key !== undefined);
  return { zone: name, keys };
}

export function trustedOf(net: Internet, zone: string): Trusted {
  const file = parseAnchors(net.anchorOf(zone));
  const anchor = file.kind === 'anchors' ? file.anchors.get(Name.parse(zone).key) : undefined;
  return { ds: anchor?.ds ?? [], keys: [], ttl: 86_400 };
}

/** A zone's trust as its DS and its DNSKEY RRset give it. */
export function trustOf(net: Internet, zone: string, context = contextOf(net)): ZoneTrust {
  const name = Name.parse(zone);
  const dnskey = findRRset(replyOf(net, zone, zone, 'DNSKEY').answer, name, 'DNSKEY');
  return checkKeys(name, trustedOf(net, zone), dnskey, context);
}

export interface Case {
  readonly zone: string;
  readonly name: string;
  readonly type: RRType;
  /** In place of what the zone's server says. */
  readonly reply?: Reply;
  readonly trust?: ZoneTrust;
  readonly context?: Context;
}

export function judgementOf(net: Internet, { zone, name, type, ...given }: Case): Judgement {
  const question = { name: Name.parse(name), type };
  const reply = given.reply ?? replyOf(net, zone, name, type);
  const trust = given.trust ?? trustOf(net, zone);
  return judge(question, reply, Name.parse(zone), trust, given.context ?? contextOf(net));
}

/** The finding; for a missed cut what holds when there is none. */
export const settle = (judgement: Judgement): Finding =>
  judgement.kind === 'settled' ? judgement.finding : judgement.otherwise;

export interface Told {
  readonly status: string;
  readonly reason?: Reason;
  readonly ede?: number | undefined;
  readonly limit?: LimitName;
}

/** Status, reason, EDE and limit of a finding or of a zone's trust, as the rows of adversarial.md state them. */
export function told(x: Finding | ZoneTrust): Told {
  if (!('reason' in x)) return { status: x.status };
  const limit = 'fault' in x ? x.fault.limit : undefined;
  const { ede } = explain(x.reason);
  return { status: x.status, reason: x.reason, ede, ...(limit && { limit }) };
}

/** `secure nodata`, `insecure records`, `bogus denial-missing`: a finding in two words. */
export function wordsOf(finding: Finding): string {
  return 'found' in finding
    ? `${finding.status} ${finding.found.kind}`
    : `${finding.status} ${finding.reason}`;
}

export const verdictOf = (net: Internet, one: Case): string =>
  wordsOf(settle(judgementOf(net, one)));

/** What the parent says about a delegation, in the reply to a question about the child. */
export function delegationOf(
  net: Internet,
  { zone: parent, name: child, type, ...given }: Case,
): Delegation {
  const reply = given.reply ?? replyOf(net, parent, child, type);
  const evidence = evidenceIn(reply, Name.parse(child));
  const context = given.context ?? contextOf(net);
  return checkDelegation(Name.parse(child), evidence, keysOf(net, parent), context);
}

/** `signed`, `unsigned no-ds-proven`, `failed bogus signature-invalid`. */
export function delegationWords(delegation: Delegation): string {
  if (delegation.kind === 'unsigned') return `unsigned ${delegation.reason}`;
  if (delegation.kind !== 'failed') return delegation.kind;
  return `failed ${delegation.failure.status} ${delegation.failure.reason}`;
}

export const reply = (
  rcode: Rcode,
  answer: Reply['answer'],
  authority: Reply['authority'] = [],
): Reply => ({ rcode, answer, authority });

/** RRsets of a zone as its servers hold them, signatures and all. */
export function setsOf(net: Internet, zone: string): readonly RRset[] {
  const file = parseZone(net.zoneText(zone), Name.parse(zone));
  if (file.kind === 'errors') throw new RangeError(file.errors.map((e) => e.message).join('; '));
  return collectRRsets(file.records);
}

/** Every NSEC and NSEC3 RRset of a zone. */
export const denialOf = (net: Internet, zone: string): readonly RRset[] =>
  setsOf(net, zone).filter(({ type }) => type === 'NSEC' || type === 'NSEC3');

/** An RRset as a zone's own key would sign it, whatever it says; valid at the time of the internet. */
export function signedBy(net: Internet, zone: string, record: RR): RRset {
  const signer = Name.parse(zone);
  const now = net.clock.now() / 1000;
  const stored = { owner: record.owner, type: record.type, records: [record], signatures: [] };
  const signature = signRRset(stored, signingKey(13, signer.key), {
    signer,
    inception: now - 3600,
    expiration: now + 3600,
  });
  const [set] = collectRRsets([record, signature]);
  if (!set) throw new RangeError('no record');
  return set;
}

export const record = (text: string): RR => {
  const file = parseZone(text, ROOT);
  const [first] = file.kind === 'records' ? file.records : [];
  if (!first) throw new RangeError(`no record: ${text}`);
  return first;
};

const hashed = (set: RRset, of: string): string => {
  const [rdata] = set.rdata;
  if (!rdata) return '';
  const { iterations, salt } = decode('NSEC3', rdata);
  return base32hex.print(nsec3Hash(Name.parse(of), iterations, salt)).toLowerCase();
};
const labelOf = ({ owner }: RRset): string => String.fromCharCode(...owner.label(0)).toLowerCase();

/** Whether an NSEC or NSEC3 RRset stands at a name; written without the validator. */
export function matches(set: RRset, of: string): boolean {
  if (set.type === 'NSEC') return set.owner.equals(Name.parse(of));
  return set.type === 'NSEC3' && labelOf(set) === hashed(set, of);
}

/** Whether its span holds the name. */
export function covers(set: RRset, of: string): boolean {
  const [rdata] = set.rdata;
  if (!rdata || (set.type !== 'NSEC' && set.type !== 'NSEC3')) return false;
  if (set.type === 'NSEC') {
    const { next } = decode('NSEC', rdata);
    const after = set.owner.compare(Name.parse(of)) < 0;
    return after && (next.compare(set.owner) <= 0 || next.compare(Name.parse(of)) > 0);
  }
  const [begin, hash] = [labelOf(set), hashed(set, of)];
  const end = base32hex.print(decode('NSEC3', rdata).nextHashed).toLowerCase();
  return begin < end ? begin < hash && hash < end : hash > begin || hash < end;
}
