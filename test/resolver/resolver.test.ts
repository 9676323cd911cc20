// Whole lookups on the testing internet: what an outcome is, why, and what it cost in queries.
//
// A cold answer from a zone below a top-level one takes six queries in three rounds: one to each of three zones, and
// beside each the question for its keys. Counts below are said as differences to that where it helps.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { failed } from '../../src/dnssec/outcome.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import { isSomebody } from '../../src/resolver/zone.ts';
import {
  type Amendment,
  answerWith,
  corruptDenial,
  corruptSignatures,
  delay,
  dropDs,
  duplicateRecords,
  emptyAnswer,
  expireSignatures,
  forge,
  type Internet,
  ignoreEdns,
  inject,
  internet,
  lame,
  onlyFor,
  precededBy,
  refuse,
  refuseEdns,
  removeDenial,
  removeRecords,
  removeSignatures,
  servfail,
  silence,
  strip,
  stripDnssec,
  stripDsFromReferrals,
  times,
  truncate,
  unreachable,
  wrongDs,
  wrongId,
  wrongQuestion,
  type Zones,
} from '../../src/testing/index.ts';
import { ask, resolverOn } from './support.ts';

const SOUND: Zones = {
  'example.com': [
    'www A 192.0.2.1',
    'www AAAA 2001:db8::1',
    'a.b.c A 192.0.2.2',
    'alias CNAME www',
    'two CNAME alias',
    'out CNAME www.example.net.',
    'plain CNAME www.plain.net.',
    'nowhere CNAME nothing',
    'loop CNAME pool',
    'pool CNAME loop',
    'self CNAME self',
    'tree DNAME example.net.',
    '*.wild TXT "w"',
    'big TXT "'.concat(
      'x'.repeat(250),
      '" "',
      'y'.repeat(250),
      '" "',
      'z'.repeat(250),
      '" "',
      'v'.repeat(250),
      '" "',
      'u'.repeat(250),
      '"',
    ),
    '_25._tcp.www TLSA 3 1 1 00ff',
  ],
  'example.net': ['www A 192.0.2.10'],
  'plain.net': {
    records: ['www A 192.0.2.80', 'back CNAME www.example.com.'],
    signing: 'unsigned',
  },
};

interface Scenario {
  readonly claim: string;
  readonly zones?: Zones;
  readonly amend?: Readonly<Record<string, readonly Amendment[]>>;
  readonly ask: readonly [name: string, type: RRType];
  readonly expect: string;
  /** Of the internet's randomness: which of two servers is asked first, for instance. */
  readonly seed?: number;
  /** Packets that reached servers. */
  readonly queries?: number;
  readonly options?: (net: Internet) => Partial<ResolverOptions>;
  readonly amendForwarder?: readonly Amendment[];
}

const build = ({ zones = SOUND, amend = {}, amendForwarder = [], seed }: Scenario): Internet => {
  const net = internet(zones, seed === undefined ? {} : { seed });
  for (const [zone, amendments] of Object.entries(amend)) net.amend(zone, ...amendments);
  return net.amendForwarder(...amendForwarder);
};

const run = (title: string, scenarios: readonly Scenario[]): void => {
  t.test(title, async (t) => {
    for (const scenario of scenarios) {
      const net = build(scenario);
      const resolver = resolverOn(net, scenario.options?.(net) ?? {});
      const got = await ask(resolver, ...scenario.ask);
      const isRight = t.equal(got, scenario.expect, scenario.claim);
      if (scenario.queries !== undefined)
        t.equal(net.log.length, scenario.queries, `${scenario.claim}: queries`);
      if (!isRight || net.log.length !== (scenario.queries ?? net.log.length))
        t.comment(net.transcript());
    }
  });
};

const WWW = ['www.example.com', 'A'] as const;

run('the normal cases', [
  { claim: 'records', ask: WWW, expect: 'secure 192.0.2.1', queries: 6 },
  { claim: 'no such type', ask: ['www.example.com', 'MX'], expect: 'secure nodata', queries: 6 },
  { claim: 'no such name', ask: ['nope.example.com', 'A'], expect: 'secure nxdomain', queries: 6 },
  {
    claim: 'an empty non-terminal has no data, and exists',
    ask: ['b.c.example.com', 'A'],
    expect: 'secure nodata',
  },
  {
    claim: 'a wildcard, with the proof that the name itself does not exist',
    ask: ['x.wild.example.com', 'TXT'],
    expect: 'secure "w"',
  },
  {
    claim: 'a whole top-level domain that does not exist ends at the root: its answer and its keys',
    ask: ['www.no-such', 'A'],
    expect: 'secure nxdomain',
    queries: 2,
  },
  {
    claim: 'a domain that does not exist ends at the top-level zone (RFC 8020)',
    ask: ['_25._tcp.www.no-such.com', 'TLSA'],
    expect: 'secure nxdomain',
    queries: 4,
  },
  {
    claim: 'an unsigned zone: nobody asks it for keys',
    ask: ['www.plain.net', 'A'],
    expect: 'insecure 192.0.2.80 (no-ds-proven)',
    queries: 5,
  },
  {
    claim: 'absence in an unsigned zone',
    ask: ['nope.plain.net', 'A'],
    expect: 'insecure nxdomain (no-ds-proven)',
  },
  {
    claim: 'the DS of a zone comes from its parent',
    ask: ['plain.net', 'DS'],
    expect: 'secure nodata',
    queries: 4,
  },
  {
    claim: 'the root knows no DS of its own',
    ask: ['.', 'DS'],
    expect: 'secure nodata',
    queries: 2,
  },
  {
    claim: 'NSEC3',
    zones: { 'example.com': { records: ['www A 192.0.2.1'], signing: { denial: 'nsec3' } } },
    ask: ['nope.example.com', 'A'],
    expect: 'secure nxdomain',
  },
  {
    claim: 'an unsigned delegation in an opt-out span is insecure',
    zones: {
      com: { signing: { denial: { spans: 'optOut' } } },
      'plain.com': { records: ['www A 192.0.2.80'], signing: 'unsigned' },
    },
    ask: ['www.plain.com', 'A'],
    expect: 'insecure 192.0.2.80 (opt-out)',
  },
  {
    claim: 'an answer too large for UDP comes over TCP',
    ask: ['big.example.com', 'TXT'],
    expect: `secure ${['x', 'y', 'z', 'v', 'u'].map((c) => `"${c.repeat(250)}"`).join(' ')}`,
    queries: 7,
  },
]);

run('aliases', [
  {
    claim: 'within a zone the rest of the reply is proof enough',
    ask: ['two.example.com', 'A'],
    expect: 'secure 192.0.2.1',
    queries: 6,
  },
  {
    claim: 'into another secure zone',
    ask: ['out.example.com', 'A'],
    expect: 'secure 192.0.2.10',
    queries: 11,
  },
  {
    claim: 'the weakest link decides: into an unsigned zone',
    ask: ['plain.example.com', 'A'],
    expect: 'insecure 192.0.2.80 (no-ds-proven)',
  },
  {
    claim: 'the weakest link decides: out of an unsigned zone',
    ask: ['back.plain.net', 'A'],
    expect: 'insecure 192.0.2.1 (no-ds-proven)',
  },
  {
    claim: 'a DNAME, with the CNAME made anew from it',
    ask: ['www.tree.example.com', 'A'],
    expect: 'secure 192.0.2.10',
  },
  {
    claim: 'to a name that does not exist: the proof is about the target',
    ask: ['nowhere.example.com', 'A'],
    expect: 'secure nxdomain',
    queries: 6,
  },
  {
    claim: 'to a name without the type',
    ask: ['alias.example.com', 'MX'],
    expect: 'secure nodata',
  },
  {
    claim: 'the alias itself',
    ask: ['alias.example.com', 'CNAME'],
    expect: 'secure www.example.com.',
  },
  { claim: 'a loop', ask: ['loop.example.com', 'A'], expect: 'indeterminate (alias-loop)' },
  {
    claim: 'an alias of itself',
    ask: ['self.example.com', 'A'],
    expect: 'indeterminate (alias-loop)',
  },
  {
    claim: 'a chain without end',
    zones: {
      'example.com': Array.from({ length: 14 }, (_, i) => `a${i} CNAME a${i + 1}`).concat(
        'a14 A 192.0.2.1',
      ),
    },
    ask: ['a0.example.com', 'A'],
    expect: 'indeterminate (budget-spent)',
  },
  {
    claim: 'a link that fails ends it',
    amend: { 'example.net': [corruptSignatures('A')] },
    ask: ['out.example.com', 'A'],
    expect: 'bogus (signature-invalid)',
  },
  {
    claim: 'a CNAME without signature in a signed zone is no alias',
    amend: { 'example.com': [removeSignatures('CNAME')] },
    ask: ['alias.example.com', 'A'],
    expect: 'bogus (rrsigs-missing)',
  },
]);

const SHARED: Zones = {
  'example.com': ['www A 192.0.2.1', 'alias CNAME www.sub'],
  'sub.example.com': {
    records: ['www A 192.0.2.81', 'a.b.c A 192.0.2.83'],
    servers: 'example.com',
  },
  'unsigned.example.com': {
    records: ['www A 192.0.2.82'],
    servers: 'example.com',
    signing: 'unsigned',
  },
  'deep.sub.example.com': { records: ['www A 192.0.2.84'], servers: 'example.com' },
  'under.unsigned.example.com': { records: ['www A 192.0.2.85'], servers: 'example.com' },
};

/** Questions for example.co.uk, shown label by label, bring the servers of uk to refer from co.uk at once. */
const SKIPPED: Zones = {
  uk: {},
  'co.uk': { servers: 'uk' },
  'example.co.uk': ['www A 192.0.2.1'],
  'plain.co.uk': { records: ['www A 192.0.2.2'], signing: 'unsigned' },
};

run('flow 1: cuts that no referral shows, for one server answers on both sides', [
  {
    claim: 'a signed cut: the DS, then the keys, then the same reply again',
    zones: SHARED,
    ask: ['www.sub.example.com', 'A'],
    expect: 'secure 192.0.2.81',
    queries: 8,
  },
  {
    claim: 'an unsigned cut: two DS questions leave together',
    zones: SHARED,
    ask: ['www.unsigned.example.com', 'A'],
    expect: 'insecure 192.0.2.82 (no-ds-proven)',
    queries: 8,
  },
  {
    claim: 'two signed cuts, one below the other',
    zones: SHARED,
    ask: ['www.deep.sub.example.com', 'A'],
    expect: 'secure 192.0.2.84',
  },
  {
    claim: 'a signed zone below an unsigned one is insecure: its DS is proved by nobody',
    zones: SHARED,
    ask: ['www.under.unsigned.example.com', 'A'],
    expect: 'insecure 192.0.2.85 (no-ds-proven)',
  },
  {
    claim: 'a zone between two of one server, served elsewhere',
    zones: {
      'example.com': ['www A 192.0.2.1'],
      'sub.example.com': ['www A 192.0.2.81'],
      'deep.sub.example.com': { records: ['www A 192.0.2.84'], servers: 'example.com' },
    },
    ask: ['www.deep.sub.example.com', 'A'],
    expect: 'secure 192.0.2.84',
  },
  {
    claim: 'absence below a missed cut',
    zones: SHARED,
    ask: ['nope.sub.example.com', 'A'],
    expect: 'secure nxdomain',
  },
  {
    claim: 'an alias across a missed cut',
    zones: SHARED,
    ask: ['alias.example.com', 'A'],
    expect: 'secure 192.0.2.81',
  },
  {
    claim: 'the keys of the lower zone, asked by name',
    zones: { ...SHARED, 'sub.example.com': { records: ['@ TXT "s"'], servers: 'example.com' } },
    ask: ['sub.example.com', 'TXT'],
    expect: 'secure "s"',
  },
  {
    claim:
      'a referral that skips a cut, since servers of uk serve co.uk too: its DS first, then the keys of both',
    zones: SKIPPED,
    ask: ['www.example.co.uk', 'A'],
    expect: 'secure 192.0.2.1',
    queries: 9,
  },
  {
    claim: 'the same to an unsigned zone',
    zones: SKIPPED,
    ask: ['www.plain.co.uk', 'A'],
    expect: 'insecure 192.0.2.2 (no-ds-proven)',
    queries: 8,
  },
  {
    claim: 'the same where the cut that was skipped is the unsigned one',
    zones: { ...SKIPPED, 'co.uk': { servers: 'uk', signing: 'unsigned' } },
    ask: ['www.example.co.uk', 'A'],
    expect: 'insecure 192.0.2.1 (no-ds-proven)',
  },
  {
    claim: 'stripped signatures lead to a search for a cut that is not there, and stay bogus',
    amend: { 'example.com': [removeSignatures('A')] },
    ask: WWW,
    expect: 'bogus (rrsigs-missing)',
  },
  {
    claim: 'the name proved absent: nothing below it is delegated',
    amend: { 'example.com': [inject('answer', 'x.nope.example.com. 60 IN A 192.0.2.66')] },
    ask: ['x.nope.example.com', 'A'],
    expect: 'bogus (rrsigs-missing)',
  },
  {
    claim: 'a forged signer below costs queries, never the status',
    amend: {
      'example.com': [
        removeSignatures('A'),
        inject(
          'answer',
          'www.example.com. 60 IN RRSIG A 13 3 60 20260801000000 20260601000000 1 www.example.com. AAAA',
        ),
      ],
    },
    ask: WWW,
    expect: 'bogus (rrsigs-missing)',
  },
  {
    claim: 'servers that do not answer DS questions make it indeterminate',
    zones: SHARED,
    amend: { 'example.com': [silence('DS')], 'unsigned.example.com': [silence('DS')] },
    ask: ['www.unsigned.example.com', 'A'],
    expect: 'indeterminate (unreachable)',
  },
]);

run('flows 2 and 4: delegations', [
  {
    claim: 'a referral without DS and without proof: the parent is asked outright',
    amend: { com: [stripDsFromReferrals()] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
    queries: 7,
  },
  {
    claim: 'the same where the zone is unsigned',
    amend: { net: [stripDsFromReferrals()] },
    ask: ['www.plain.net', 'A'],
    expect: 'insecure 192.0.2.80 (no-ds-proven)',
    queries: 6,
  },
  {
    claim: 'silence there is bogus, never insecure',
    amend: { com: [removeRecords('DS', Name.parse('example.com')), removeDenial()] },
    ask: WWW,
    expect: 'bogus (ds-unproven)',
  },
  {
    claim: 'a DS whose signature is wrong',
    amend: { com: [corruptSignatures('DS')] },
    ask: WWW,
    expect: 'bogus (signature-invalid)',
  },
  {
    claim: 'a denial of DS whose signature is wrong',
    amend: { net: [corruptDenial()] },
    ask: ['www.plain.net', 'A'],
    expect: 'bogus (signature-invalid)',
  },
  {
    claim: 'a DS removed on the way, with the rest of the proof in place',
    amend: { com: [removeRecords('DS')] },
    ask: WWW,
    expect: 'bogus (denial-contradicted)',
  },
  {
    claim: 'DS questions refused by all: nothing was learnt',
    amend: { com: [stripDsFromReferrals(), refuse('DS')] },
    ask: WWW,
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'a parent that knows no DNSSEC in spite of its own DS',
    amend: { com: [strip()] },
    ask: WWW,
    expect: 'bogus (dnskey-missing)',
  },
  {
    claim: 'an island of security is insecure',
    amend: { 'example.com': [dropDs()] },
    ask: WWW,
    expect: 'insecure 192.0.2.1 (no-ds-proven)',
  },
  {
    claim: 'a DS that names no key',
    amend: { 'example.com': [wrongDs('digest')] },
    ask: WWW,
    expect: 'bogus (dnskey-missing)',
  },
  {
    claim: 'a forged referral to a name that is no delegation',
    amend: {
      com: [
        inject('authority', 'www.example.com. 60 IN NS ns.evil.com.'),
        onlyFor({ types: ['A'] }, removeNs()),
      ],
    },
    ask: ['x.www.example.com', 'A'],
    expect: 'indeterminate (unreachable)',
  },
]);

function removeNs(): Amendment {
  return {
    reply: (replies) =>
      replies === 'unreachable'
        ? replies
        : replies.map((one) =>
            one instanceof Uint8Array
              ? one
              : {
                  ...one,
                  authority: one.authority.filter(
                    ({ owner, type }) => type === 'NS' && owner.labels === 3,
                  ),
                },
          ),
  };
}

const TWO_SERVERS: Zones = {
  'example.com': {
    records: ['www A 192.0.2.1', 'ns1 A 198.18.9.1', 'ns2 A 198.18.9.2'],
    servers: { 'ns1.example.com': '198.18.9.1', 'ns2.example.com': '198.18.9.2' },
  },
};
const first = (amendment: Amendment): Amendment => onlyFor({ server: '198.18.9.1' }, amendment);

run('servers', [
  {
    claim: 'one of two is silent',
    zones: TWO_SERVERS,
    amend: { 'example.com': [first(silence())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'one of two fails on every question',
    zones: TWO_SERVERS,
    amend: { 'example.com': [first(servfail())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'one of two does not serve the zone',
    zones: TWO_SERVERS,
    amend: { 'example.com': [first(lame())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'one of two has closed its port',
    zones: TWO_SERVERS,
    amend: { 'example.com': [first(unreachable())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'one of two has lost its signatures: bogus there, asked again of the other',
    zones: TWO_SERVERS,
    seed: 2,
    amend: { 'example.com': [first(stripDnssec())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'one of two says nothing with NOERROR (CVE-2020-12244)',
    zones: TWO_SERVERS,
    amend: { 'example.com': [first(emptyAnswer())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'both say nothing with NOERROR',
    zones: TWO_SERVERS,
    amend: { 'example.com': [emptyAnswer('A')] },
    ask: WWW,
    expect: 'bogus (denial-missing)',
  },
  {
    claim: 'all are silent: each is asked three times',
    zones: TWO_SERVERS,
    amend: { 'example.com': [silence('A')] },
    ask: WWW,
    expect: 'indeterminate (unreachable)',
    queries: 11,
  },
  {
    claim: 'a lost packet is sent again',
    amend: { 'example.com': [times(2, silence())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
    queries: 8,
  },
  {
    claim: 'all refuse',
    amend: { 'example.com': [refuse('A')] },
    ask: WWW,
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'all fail on TLSA: never "no TLSA"',
    amend: { 'example.com': [servfail('TLSA')] },
    ask: ['_25._tcp.www.example.com', 'TLSA'],
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'NOTIMP for TLSA',
    amend: { 'example.com': [answerWith('NOTIMP', 'TLSA')] },
    ask: ['_25._tcp.www.example.com', 'TLSA'],
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'every port is closed: no packet could be sent',
    amend: { '.': [unreachable()] },
    ask: WWW,
    expect: 'indeterminate (network-error)',
  },
  {
    claim: 'a server that answers too late for the question',
    amend: { 'example.com': [delay(20_000)] },
    ask: WWW,
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'a name server without glue: its address is looked up',
    zones: {
      'example.com': { records: ['www A 192.0.2.1'], servers: { 'dns.example.net': '198.18.9.9' } },
      'example.net': ['x A 192.0.2.9'],
    },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'a name server that has an IPv6 address only',
    zones: {
      'example.com': {
        records: ['www A 192.0.2.1'],
        servers: { 'dns.example.net': '2001:db8::53' },
      },
      'example.net': ['x A 192.0.2.9'],
    },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'two zones whose only servers live in each other',
    zones: {
      'a.com': { records: ['www A 192.0.2.1'], servers: { 'ns.b.net': '198.18.9.7' } },
      'b.net': { records: ['www A 192.0.2.1'], servers: { 'ns.a.com': '198.18.9.8' } },
    },
    ask: ['www.a.com', 'A'],
    expect: 'indeterminate (unreachable)',
  },
]);

run('what is odd over UDP is asked again over TCP', [
  {
    claim: 'truncation',
    amend: { 'example.com': [truncate()] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
    queries: 8,
  },
  {
    claim: 'a reply with another id comes first',
    amend: { 'example.com': [precededBy(wrongId())] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
    queries: 8,
  },
  {
    claim: 'a reply to another question comes first',
    amend: { 'example.com': [precededBy(wrongQuestion('name'))] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
  {
    claim: 'all replies have another id: of no use',
    amend: { 'example.com': [wrongId()] },
    ask: WWW,
    expect: 'indeterminate (unreachable)',
  },
  {
    claim: 'a server that knows no EDNS serves an unsigned zone',
    amend: { 'plain.net': [refuseEdns()] },
    ask: ['www.plain.net', 'A'],
    expect: 'insecure 192.0.2.80 (no-ds-proven)',
  },
  {
    claim: 'a server that knows no EDNS cannot serve a signed one',
    amend: { 'example.com': [refuseEdns()] },
    ask: WWW,
    expect: 'bogus (dnskey-unsigned)',
  },
  {
    claim: 'a server that overlooks EDNS cannot serve a signed one',
    amend: { 'example.com': [ignoreEdns()] },
    ask: WWW,
    expect: 'bogus (dnskey-missing)',
  },
  {
    claim: 'records that come twice and in another order are the same records',
    amend: { 'example.com': [duplicateRecords()] },
    ask: WWW,
    expect: 'secure 192.0.2.1',
  },
]);

run('records that are not true', [
  {
    claim: 'a forged address',
    amend: { 'example.com': [forge('www A 192.0.2.66')] },
    ask: WWW,
    expect: 'bogus (signature-invalid)',
  },
  {
    claim: 'expired signatures',
    amend: { 'example.com': [expireSignatures('A')] },
    ask: WWW,
    expect: 'bogus (signature-expired)',
  },
  {
    claim: 'absence without proof',
    amend: { 'example.com': [removeDenial()] },
    ask: ['nope.example.com', 'A'],
    expect: 'bogus (denial-missing)',
  },
  {
    claim: 'an address of another zone in the answer is nobody’s word',
    amend: { 'example.com': [inject('answer', 'www.example.net. 60 IN A 192.0.2.66')] },
    ask: ['out.example.com', 'A'],
    expect: 'secure 192.0.2.10',
  },
  {
    claim: 'a forged NXDOMAIN for a whole top-level domain',
    amend: { '.': [onlyFor({ types: ['A'] }, answerWith('NXDOMAIN'))] },
    ask: WWW,
    expect: 'bogus (denial-missing)',
  },
]);

const forwarded = (net: Internet): Partial<ResolverOptions> => ({ forward: [net.forwarder] });

run('flow 7: forwarding', [
  {
    claim: 'two signed cuts: the answer, a DS and keys for each, and the root’s keys',
    ask: WWW,
    expect: 'secure 192.0.2.1',
    options: forwarded,
    queries: 6,
  },
  {
    claim: 'an unsigned zone',
    ask: ['www.plain.net', 'A'],
    expect: 'insecure 192.0.2.80 (no-ds-proven)',
    options: forwarded,
  },
  {
    claim: 'absence',
    ask: ['nope.example.com', 'A'],
    expect: 'secure nxdomain',
    options: forwarded,
  },
  {
    claim: 'an alias into another zone',
    ask: ['out.example.com', 'A'],
    expect: 'secure 192.0.2.10',
    options: forwarded,
  },
  {
    claim: 'bogus data stays bogus',
    amend: { 'example.com': [corruptSignatures('A')] },
    ask: WWW,
    expect: 'bogus (signature-invalid)',
    options: forwarded,
  },
  {
    claim: 'a forwarder that strips signatures is called so, and nothing under it is insecure',
    amendForwarder: [stripDnssec()],
    ask: ['www.plain.net', 'A'],
    expect: 'bogus (signatures-stripped)',
    options: forwarded,
  },
  {
    claim: 'a forwarder that needs its time: more than a server would get',
    amendForwarder: [delay(1_200)],
    ask: WWW,
    expect: 'secure 192.0.2.1',
    options: forwarded,
    queries: 6,
  },
  {
    claim: 'a forwarder that is silent',
    amendForwarder: [silence()],
    ask: WWW,
    expect: 'indeterminate (unreachable)',
    options: forwarded,
  },
]);

const anchorsOf =
  (...zones: readonly string[]) =>
  (net: Internet) => {
    const file = parseAnchors(zones.map((zone) => net.anchorOf(zone)).join(''));
    if (file.kind === 'errors') throw new Error(file.errors.join());
    return { anchors: file.anchors };
  };

run('flow 6: anchors below the root', [
  {
    claim: 'no anchor at all above the name',
    ask: ['www.example.net', 'A'],
    expect: 'insecure 192.0.2.10 (no-trust-anchor)',
    options: anchorsOf('example.com'),
  },
  {
    claim: 'an anchor of the zone',
    ask: WWW,
    expect: 'secure 192.0.2.1',
    options: anchorsOf('example.com'),
  },
  {
    claim: 'an anchor below an unsigned zone that the same server serves',
    zones: {
      'example.com': { records: ['www A 192.0.2.1'], signing: 'unsigned' },
      'sub.example.com': { records: ['www A 192.0.2.81'], servers: 'example.com' },
    },
    ask: ['www.sub.example.com', 'A'],
    expect: 'secure 192.0.2.81',
    options: anchorsOf('.', 'sub.example.com'),
  },
  {
    claim: 'the same below the root alone is insecure',
    zones: {
      'example.com': { records: ['www A 192.0.2.1'], signing: 'unsigned' },
      'sub.example.com': { records: ['www A 192.0.2.81'], servers: 'example.com' },
    },
    ask: ['www.sub.example.com', 'A'],
    expect: 'insecure 192.0.2.81 (no-ds-proven)',
    options: anchorsOf('.'),
  },
]);

t.test('a question of the same zone again costs one query, and again none', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  await ask(resolver, ...WWW);
  const before = net.log.length;
  t.equal(await ask(resolver, 'www.example.com', 'AAAA'), 'secure 2001:db8::1');
  t.equal(net.log.length, before + 1);
  t.equal(await ask(resolver, 'www.example.com', 'AAAA'), 'secure 2001:db8::1');
  t.equal(net.log.length, before + 1);
});

t.test('known root and top-level zone: three queries in two rounds', async (t) => {
  const net = internet(SOUND, { latencyMs: 100 });
  const resolver = resolverOn(net);
  await ask(resolver, 'no-such.com', 'A');
  const before = { at: net.clock.now(), queries: net.log.length };
  t.equal(await ask(resolver, '_25._tcp.www.example.com', 'TLSA'), 'secure 3 1 1 00FF');
  t.equal(net.log.length - before.queries, 3, 'the referral; the answer and the keys');
  t.equal(net.clock.now() - before.at, 200, 'each round takes 100 ms');
});

t.test('identical questions at the same time send the packets of one', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => ask(resolver, ...WWW)));
  t.same(new Set(outcomes), new Set(['secure 192.0.2.1']));
  t.equal(net.log.length, 6);
});

t.test('what expires is asked for anew, and a cut ends with its parent’s word', async (t) => {
  const net = internet({ 'example.com': ['www 60 A 192.0.2.1'] });
  const resolver = resolverOn(net);
  await ask(resolver, ...WWW);
  net.clock.advance(59_000);
  await ask(resolver, ...WWW);
  t.equal(net.log.length, 6, 'still there after 59 seconds');
  net.clock.advance(2_000);
  await ask(resolver, ...WWW);
  t.equal(net.log.length, 7, 'after 61 seconds the answer alone');
  net.clock.advance(3_600_000);
  await ask(resolver, ...WWW);
  t.ok(net.log.length >= 10, 'after an hour the delegation too');
});

t.test(
  'failures are remembered: bogus a minute, indeterminate five seconds, then ten',
  async (t) => {
    const net = internet(SOUND).amend('example.com', corruptSignatures('A'), silence('MX'));
    const resolver = resolverOn(net);
    const costs = async (type: RRType): Promise<boolean> => {
      const before = net.log.length;
      await ask(resolver, 'www.example.com', type);
      return net.log.length > before;
    };
    t.equal(await costs('A'), true);
    net.clock.advance(59_000);
    t.equal(await costs('A'), false, 'bogus: 59 seconds later nobody is asked');
    net.clock.advance(2_000);
    t.equal(await costs('A'), true, 'and after 61 again');
    t.equal(await costs('MX'), true);
    net.clock.advance(4_000);
    t.equal(await costs('MX'), false, 'indeterminate: within five seconds');
    net.clock.advance(2_000);
    t.equal(await costs('MX'), true, 'after six');
    net.clock.advance(8_000);
    t.equal(await costs('MX'), false, 'the second time it is ten');
    net.clock.advance(3_000);
    t.equal(await costs('MX'), true);
  },
);

t.test('a question for signed zones only is not sent to an unsigned one', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  const options = { ask: 'if-signed' } as const;
  const plain = await resolver.lookup(Name.parse('_25._tcp.www.plain.net'), 'TLSA', options);
  t.match(plain, { status: 'insecure', answer: { kind: 'not-asked' }, reason: 'no-ds-proven' });
  t.notOk(
    net.log.some(({ type }) => type === 'TLSA'),
    'no server saw it',
  );
  const signed = await resolver.lookup(Name.parse('_25._tcp.www.example.com'), 'TLSA', options);
  t.equal(signed.status, 'secure');
});

t.test('if-signed and a referral that hides its DS: the parent’s word decides', async (t) => {
  const net = internet(SOUND).amend('com', stripDsFromReferrals());
  const outcome = await resolverOn(net).lookup(Name.parse('_25._tcp.www.example.com'), 'TLSA', {
    ask: 'if-signed',
  });
  t.equal(outcome.status, 'secure');
});

t.test('an aborted caller leaves; the others stay', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  const controller = new AbortController();
  const name = Name.parse('www.example.com');
  const left = resolver.lookup(name, 'A', { signal: controller.signal });
  const stays = resolver.lookup(name, 'A');
  controller.abort(new Error('gone'));
  await t.rejects(left, { message: 'gone' });
  t.equal((await stays).status, 'secure');
  await t.rejects(resolver.lookup(name, 'A', { signal: controller.signal }), { message: 'gone' });
});

t.test('types that no zone holds are the caller’s mistake', async (t) => {
  const resolver = resolverOn(internet(SOUND));
  for (const type of ['AXFR', 'OPT', 'NXNAME'] as const)
    await t.rejects(resolver.lookup(Name.parse('example.com'), type), TypeError);
});

t.test('a type in a spelling that no record has would be denied by any proof', async (t) => {
  const resolver = resolverOn(internet(SOUND));
  for (const [type, usual] of [
    ['TYPE1', 'A'],
    ['TYPE15', 'MX'],
    ['TYPE052', 'TLSA'],
    ['TYPE065280', 'TYPE65280'],
  ] as const) {
    const name = Name.parse('www.example.com');
    const error = { name: /^(TypeError|RangeError)$/ };
    await t.rejects(resolver.lookup(name, type, { stale: 'allowed' }), error, usual);
    await t.rejects(resolver.fetchUnchecked(name, type), error, usual);
    t.throws(() => resolver.recall(name, type), error, usual);
  }
});

t.test('an outcome says what it cost and how it came about', async (t) => {
  const net = internet(SOUND);
  const outcome = await resolverOn(net).lookup(Name.parse('alias.example.com'), 'A');
  t.equal(outcome.spent.queries, 6);
  t.equal(outcome.spent.milliseconds, 30);
  t.ok(outcome.spent.signatures >= 6, 'three key sets, two DS, alias and address');
  const zones = outcome.trace.flatMap((step) => (step.kind === 'trust' ? [`${step.zone}`] : []));
  t.same(zones, ['.', 'com.', 'example.com.']);
  const findings = outcome.trace.filter((step) => step.kind === 'finding');
  t.same(
    findings.map(({ owner, status }) => `${owner} ${status}`),
    ['alias.example.com. secure', 'www.example.com. secure'],
  );
  t.equal(outcome.aliases.length, 1);
  t.notOk(failed(outcome));
});

t.test('limits end a question as indeterminate, with the name of the limit', async (t) => {
  const name = Name.parse('www.example.com');
  for (const [limits, limit] of [
    [{ queries: 3 }, 'queries'],
    [{ 'bytes-received': 500 }, 'bytes-received'],
    [{ 'wall-clock': 15 }, 'wall-clock'],
    [{ signatures: 2 }, 'signatures'],
    [{ 'queries-per-fetch': 2 }, 'queries-per-fetch'],
    [{ 'delegation-depth': 1 }, 'delegation-depth'],
  ] as const) {
    const outcome = await resolverOn(internet(SOUND), { limits }).lookup(name, 'A');
    t.match(outcome, { status: 'indeterminate', reason: 'budget-spent', fault: { limit } }, limit);
  }
});

t.test('nobody is asked at addresses that are no server’s', (t) => {
  const nobody = ['0.0.0.0', '127.0.0.1', '127.9.9.9', '224.0.0.1', '239.1.1.1', '255.255.255.255'];
  for (const ip of [...nobody, '::', '::1', '::ffff:192.0.2.1', '::127.0.0.1', 'ff02::1'])
    t.equal(isSomebody({ ip, port: 53 }), false, ip);
  for (const ip of ['1.1.1.1', '22.4.0.1', '198.18.0.1', '223.255.255.1', '2001:db8::1', 'fd00::1'])
    t.equal(isSomebody({ ip, port: 53 }), true, ip);
  t.end();
});

t.test('one of two servers has lost its signatures, whichever of them answers what', async (t) => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const net = internet(TWO_SERVERS, { seed }).amend('example.com', first(stripDnssec()));
    t.equal(await ask(resolverOn(net), ...WWW), 'secure 192.0.2.1', `seed ${seed}`);
  }
});

t.test('flow 5: a forgery does not live for its TTL', async (t) => {
  // The claim that there is no such name makes a cut by probe whose servers are the root's, which do not serve it: they
  // refer to those who do, and the denial is read under the keys of com.
  const net = internet(SOUND).amend(
    '.',
    onlyFor({ types: ['A'] }, times(2, answerWith('NXDOMAIN'))),
  );
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, ...WWW), 'bogus (denial-missing)');
  net.clock.advance(61_000);
  t.equal(await ask(resolver, ...WWW), 'secure 192.0.2.1', 'once it is forgotten all is well');
});

/** The glue of a referral leads to an address where nobody answers. */
const leadAstray: Amendment = {
  reply: (replies) =>
    replies === 'unreachable'
      ? replies
      : replies.map((one) => {
          if (one instanceof Uint8Array) return one;
          const additional = one.additional.map((record) =>
            record.type === 'A' ? { ...record, rdata: Uint8Array.of(198, 18, 99, 99) } : record,
          );
          return { ...one, additional };
        }),
};

t.test('flow 5: a forged referral is fetched anew', async (t) => {
  const net = internet(SOUND).amend('com', onlyFor({ types: ['A'] }, times(1, leadAstray)));
  const resolver = resolverOn(net);
  t.match(await ask(resolver, ...WWW), /^indeterminate/, 'nobody answers at the forged address');
  net.clock.advance(6_000);
  t.equal(await ask(resolver, ...WWW), 'secure 192.0.2.1', 'its lookup drops the cut once');
});
