// One flipped bit in the signed part of a secure reply, positive or negative: never secure, never insecure.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Reader } from '../../src/dns/cursor.ts';
import { type Message, parseMessage, type Question, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { decode } from '../../src/dns/rdata.ts';
import { collectRRsets, type RRset } from '../../src/dns/rrset.ts';
import { SHA1_ALGORITHMS } from '../../src/dnssec/algorithms.ts';
import { canonicalSet } from '../../src/dnssec/canonical.ts';
import type { Context } from '../../src/dnssec/context.ts';
import { parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { nobleEngine } from '../../src/dnssec/engine-noble.ts';
import { judge } from '../../src/dnssec/judge.ts';
import type { Status } from '../../src/dnssec/outcome.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneKeys } from '../../src/dnssec/verify.ts';
import { type Algorithm, type Internet, internet } from '../../src/testing/index.ts';
import { contextAt, policy } from './support.ts';

const ZONE = Name.parse('example.com');
const HEADER = 12;

function ask(net: Internet, name: Name, type: RRType): Uint8Array {
  const query: Message = {
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
  };
  for (const server of net.servers) {
    const reply = net.answer(server, writeMessage(query), 'tcp');
    const [packet] = reply.kind === 'packets' ? reply.packets : [];
    const parsed = packet && parseMessage(packet);
    if (packet && parsed?.kind === 'message' && parsed.message.authoritative)
      return writeMessage(oneSignature(parsed.message));
  }
  throw new Error(`nobody answers ${name} ${type}`);
}

/** The answer, or else the one NSEC that proves NODATA: the SOA beside it carries a signature of its own. */
function oneSignature(message: Message): Message {
  const proof = message.authority.filter(
    ({ type, rdata }) =>
      type === 'NSEC' || (type === 'RRSIG' && decode('RRSIG', rdata).typeCovered === 'NSEC'),
  );
  const authority = message.answer.length > 0 ? [] : proof;
  return { ...message, authority, additional: [] };
}

const NOTHING: Reply = { rcode: 'NOERROR', answer: [], authority: [] };
function read(packet: Uint8Array): Reply {
  const parsed = parseMessage(packet);
  if (parsed.kind === 'malformed') return NOTHING;
  const { rcode, answer, authority } = parsed.message;
  return { rcode, answer: collectRRsets(answer), authority: collectRRsets(authority) };
}
const setsOf = ({ answer, authority }: Reply): readonly RRset[] => [...answer, ...authority];

/** Offsets of the octets that the signature covers or that belong to it: all but the two TTLs. */
function signedOctets(packet: Uint8Array): number[] {
  const reader = new Reader(packet, HEADER);
  reader.name();
  reader.view(4);
  const offsets: number[] = [];
  const take = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) offsets.push(at);
  };
  const counts = new DataView(packet.buffer, packet.byteOffset);
  const records = counts.getUint16(6) + counts.getUint16(8);
  for (let record = 0; record < records; record += 1) {
    const start = reader.offset;
    reader.name();
    reader.view(4);
    take(start, reader.offset);
    reader.u32();
    const rest = reader.offset;
    reader.view(reader.u16());
    take(rest, reader.offset);
  }
  return offsets;
}

/** The RRset and its signature as they are signed: equal for replies that differ in letter case alone. */
const essence = (sets: readonly RRset[]): string =>
  sets
    .map((set) => {
      const fields = set.signatures.map(({ rdata, signer, signature }) => [
        rdata.subarray(0, 18),
        signer.key,
        signature,
      ]);
      return [set.owner.key, set.type, canonicalSet(set), fields].join('|');
    })
    .join('\n');

function statusOf(reply: Reply, question: Question, keys: ZoneKeys, context: Context): Status {
  const judgement = judge(question, reply, ZONE, { status: 'secure', keys, ttl: 60 }, context);
  return (judgement.kind === 'settled' ? judgement.finding : judgement.otherwise).status;
}

interface Outcomes {
  readonly refused: number;
  readonly sameButForCase: number;
  readonly wrong: readonly string[];
}

/** @param step  how many bits lie between two flips; the first one moves from octet to octet */
function flipAll(
  packet: Uint8Array,
  question: Question,
  keys: ZoneKeys,
  { context, step }: { context: () => Context; step: number },
): Outcomes {
  const original = essence(setsOf(read(packet)));
  const wrong: string[] = [];
  let refused = 0;
  let sameButForCase = 0;
  for (const [i, at] of signedOctets(packet).entries())
    for (let bit = i % step; bit < 8; bit += step) {
      const flipped = Uint8Array.from(packet);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      const reply = read(flipped);
      const status = statusOf(reply, question, keys, context());
      if (status !== 'secure' && status !== 'insecure') refused += 1;
      else if (essence(setsOf(reply)) === original) sameButForCase += 1;
      else wrong.push(`octet ${at} bit ${bit}: ${status}`);
    }
  return { refused, sameButForCase, wrong };
}

const RECORDS = [
  '@ MX 10 mail',
  'mail A 192.0.2.25',
  `_25._tcp.mail TLSA 3 1 1 ${'ab'.repeat(32)}`,
];
const ALL: readonly [name: string, type: RRType][] = [
  ['example.com', 'MX'],
  ['mail.example.com', 'A'],
  ['_25._tcp.mail.example.com', 'TLSA'],
  ['mail.example.com', 'AAAA'], // NODATA by one NSEC
];
const FEW = ALL.slice(2);

/**
 * OpenSSL sees every single bit. The portable engine, which needs some ms for a signature on a curve, sees one flip in
 * `nobleStep`, at another bit in each octet; and the slow algorithms have fewer replies to go through.
 */
const RUNS: readonly [Algorithm, questions: typeof ALL, nobleStep: number][] = [
  [5, FEW, 4],
  [7, FEW, 4],
  [8, ALL, 4],
  [10, FEW, 4],
  [13, ALL, 16],
  [14, FEW, 32],
  [15, ALL, 16],
  [16, FEW, 32],
];

for (const [algorithm, questions, nobleStep] of RUNS)
  t.test(`algorithm ${algorithm}: no flipped bit gets through`, async (t) => {
    const net = internet({
      'example.com': { records: RECORDS, signing: { algorithms: [algorithm] } },
    });
    const now = net.clock.now();
    const [dnskey] = read(ask(net, ZONE, 'DNSKEY')).answer;
    const published = (dnskey?.rdata ?? []).map(parseDnsKey).filter((key) => key !== undefined);
    const keys = { zone: ZONE, keys: published };
    for (const [text, type] of questions)
      for (const engine of [nativeEngine, nobleEngine]) {
        const name = Name.parse(text);
        const packet = ask(net, name, type);
        const rules = policy(engine, SHA1_ALGORITHMS);
        const context = (): Context => contextAt(now / 1000, rules);
        const step = engine === nativeEngine ? 1 : nobleStep;
        const whole = statusOf(read(packet), { name, type }, keys, context());
        t.equal(whole, 'secure', `${name} ${type} on ${engine.name} as it came`);
        const given = { context, step };
        const { refused, sameButForCase, wrong } = flipAll(packet, { name, type }, keys, given);
        t.same(wrong, [], `${name} ${type} on ${engine.name}`);
        t.ok(refused > 800 / step, `${refused} flips refused`);
        t.ok(sameButForCase <= 64, `${sameButForCase} flips changed letter case only`);
      }
  });
