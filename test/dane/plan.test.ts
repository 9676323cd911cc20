/**
 * The plan for a destination: one row of the decision table, one case.
 *
 * "decision" is the row of `../shared/spec/dane-decisions.md` (M: its column for who demands DANE), "P" the case of
 * `dane-cases.md` section 5b, both of which quote the section of RFC 7672 that demands the outcome.
 */
import t from 'tap';
import { parseNextHop } from '../../src/dane/next-hop.ts';
import {
  type DeliveryPlan,
  type HostPlan,
  type PlanOptions,
  planDelivery,
  planNextHop,
} from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import { fakeLookup, type Internet, plain } from './fake-lookup.ts';

const DIGEST = 'ab'.repeat(32);
const EE = `3 1 1 ${DIGEST}`;
const TA = `2 0 1 ${DIGEST}`;
/** PKIX-EE: RFC 7672 section 3.1.3 makes it unusable for SMTP. */
const UNUSABLE = `1 1 1 ${DIGEST}`;

/** One domain, one MX host, everything signed; each case breaks or adds one thing. */
const SOUND: Record<string, readonly string[]> = {
  'MX example.com': ['10 mx.example.com'],
  'A mx.example.com': ['192.0.2.1'],
};
const TLSA = '_25._tcp.mx.example.com';
const WITH_TLSA = { ...SOUND, [`TLSA ${TLSA}`]: [EE] };

interface Case {
  readonly claim: string;
  readonly internet: Internet;
  readonly expect: readonly string[];
  readonly domain?: string;
  readonly options?: PlanOptions;
  /** The TLSA questions that went out, where the row says which. */
  readonly tlsaAsked?: readonly string[];
}

/** One line for the plan, or one for each host. */
function show(plan: DeliveryPlan): string[] {
  if (plan.kind !== 'deliver')
    return [`${plan.kind} ${plan.why}${'lack' in plan ? `: ${plan.lack.why}` : ''}`];
  return plan.hosts.map((host) => `${plain(host.host)}: ${showHost(host)}`);
}

function showHost(plan: HostPlan): string {
  if (plan.tls !== 'authenticate') {
    const lack = 'lack' in plan ? `: ${plan.lack.why}` : '';
    return `${plan.tls} ${plan.why}${lack}`;
  }
  return `${plan.halfDane ? 'half-dane' : 'authenticate'} ${plain(plan.baseDomain)} as ${plan.names.map(plain).join(' ')}`;
}

const authenticated = ['mx.example.com: authenticate mx.example.com as mx.example.com example.com'];
const withoutTlsa = ['mx.example.com: opportunistic no-tlsa'];

const MX_CASES: readonly Case[] = [
  {
    claim: 'decision 1: bogus MX: defer, contact nobody',
    internet: { records: WITH_TLSA, bogus: ['MX example.com'] },
    expect: ['defer signature-invalid'],
    tlsaAsked: [],
  },
  {
    claim:
      'decision 1: indeterminate MX: the same, the address of the domain is never used instead',
    internet: { records: { 'A example.com': ['192.0.2.1'] }, unreachable: ['MX example.com'] },
    expect: ['defer unreachable'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 2: null MX: refused',
    internet: { records: { 'MX example.com': ['0 .'], 'A example.com': ['192.0.2.1'] } },
    expect: ['refused null-mx'],
  },
  {
    claim: 'decision 2: insecure null MX: refused',
    internet: { records: { 'MX example.com': ['0 .'] }, insecure: ['MX example.com'] },
    expect: ['refused null-mx'],
  },
  {
    claim: 'decision 3: no such domain: refused',
    internet: { records: {}, absent: ['example.com'] },
    expect: ['refused no-such-domain'],
  },
  {
    claim: 'P21: no MX, securely denied: the domain is its own host and base domain',
    internet: { records: { 'A example.com': ['192.0.2.1'], 'TLSA _25._tcp.example.com': [TA] } },
    expect: ['example.com: authenticate example.com as example.com'],
  },
  {
    claim: 'decision 34: P26: preference before security: the host without TLSA stays first',
    internet: {
      records: {
        'MX example.com': ['20 mx2.example.com', '10 mx1.example.com'],
        'A mx1.example.com': ['192.0.2.1'],
        'A mx2.example.com': ['192.0.2.2'],
        'TLSA _25._tcp.mx2.example.com': [EE],
      },
    },
    expect: [
      'mx1.example.com: opportunistic no-tlsa',
      'mx2.example.com: authenticate mx2.example.com as mx2.example.com example.com',
    ],
  },
  {
    claim: 'P30: a root beside other MX hosts is ignored',
    internet: { records: { ...WITH_TLSA, 'MX example.com': ['0 .', '10 mx.example.com'] } },
    expect: authenticated,
  },
  {
    claim: 'P30: an address in place of an MX host is a name that does not exist',
    internet: { records: { 'MX example.com': ['10 192.0.2.1'] }, absent: ['192.0.2.1'] },
    expect: ['192.0.2.1: unreachable no-address'],
  },
  {
    claim: 'one host named twice is tried once, at its better preference',
    internet: {
      records: { ...WITH_TLSA, 'MX example.com': ['30 MX.example.com', '10 mx.example.com'] },
    },
    expect: authenticated,
  },
  {
    claim: 'P54: one MX host bogus: only that one is out',
    internet: {
      records: {
        ...WITH_TLSA,
        'MX example.com': ['10 mx.example.net', '20 mx.example.com'],
        'A mx.example.net': ['192.0.2.9'],
      },
      bogus: ['A mx.example.net'],
    },
    expect: ['mx.example.net: unreachable signature-invalid', ...authenticated],
  },
];

const ADDRESS_CASES: readonly Case[] = [
  {
    claim: 'decision 8: neither A nor AAAA: unreachable',
    internet: { records: { 'MX example.com': ['10 mx.example.com'] } },
    expect: ['mx.example.com: unreachable no-address'],
  },
  {
    claim: 'decision 9: bogus A: unreachable',
    internet: { records: WITH_TLSA, bogus: ['A mx.example.com'] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 9: A secure, AAAA bogus: unreachable all the same',
    internet: { records: WITH_TLSA, bogus: ['AAAA mx.example.com'] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 9: A bogus, AAAA secure: unreachable',
    internet: {
      records: { ...WITH_TLSA, 'AAAA mx.example.com': ['2001:db8::1'] },
      bogus: ['A mx.example.com'],
    },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'a host with IPv6 alone is as good',
    internet: {
      records: {
        'MX example.com': ['10 mx.example.com'],
        'AAAA mx.example.com': ['2001:db8::1'],
        [`TLSA ${TLSA}`]: [EE],
      },
    },
    expect: authenticated,
  },
  {
    claim: 'decision 10: P02: insecure address: opportunistic, no TLSA question leaves',
    internet: {
      records: SOUND,
      insecure: ['A mx.example.com', 'AAAA mx.example.com'],
      unsigned: ['mx.example.com'],
      unreachable: [`TLSA ${TLSA}`],
    },
    expect: ['mx.example.com: opportunistic insecure-address'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 10: an early TLSA reply that fails counts for nothing at an insecure address',
    internet: {
      records: SOUND,
      insecure: ['A mx.example.com', 'AAAA mx.example.com'],
      bogus: [`TLSA ${TLSA}`],
    },
    expect: ['mx.example.com: opportunistic insecure-address'],
  },
  {
    claim: 'the insecure denial of AAAA does not take DANE from a secure A (P56)',
    internet: { records: WITH_TLSA, insecure: ['AAAA mx.example.com'] },
    expect: authenticated,
  },
];

const ALIAS: Record<string, readonly string[]> = {
  'MX example.com': ['10 mx.example.com'],
  'CNAME mx.example.com': ['host.example.net'],
  'A host.example.net': ['192.0.2.1'],
};
const EXPANDED = 'TLSA _25._tcp.host.example.net';
const ORIGINAL = `TLSA ${TLSA}`;
const insecureTarget = ['A host.example.net', 'AAAA host.example.net'];

const ALIAS_CASES: readonly Case[] = [
  {
    claim:
      'decision 11: P14: secure alias into an unsigned zone: the original name is the only candidate',
    internet: {
      records: { ...ALIAS, [ORIGINAL]: [TA] },
      insecure: insecureTarget,
      unsigned: ['example.net'],
    },
    expect: authenticated,
    tlsaAsked: [ORIGINAL],
  },
  {
    claim: 'decision 12: P15: insecure alias: opportunistic, not asked, whatever stands behind it',
    internet: {
      records: { ...ALIAS, [EXPANDED]: [EE] },
      insecure: ['CNAME mx.example.com'],
      unsigned: ['example.com'],
    },
    expect: ['mx.example.com: opportunistic insecure-address'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 13: the alias itself bogus: unreachable',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE] }, bogus: ['A host.example.net'] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 14: P10: secure alias, TLSA at both: the expanded name',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE], [EXPANDED]: [EE] } },
    expect: ['mx.example.com: authenticate host.example.net as host.example.net example.com'],
  },
  {
    claim: 'decision 14: P11: TLSA only at the original: that one',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE] } },
    expect: authenticated,
  },
  {
    claim: 'decision 14: P12: lookup error at the expanded name: the original is not used',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE] }, unreachable: [EXPANDED] },
    expect: ['mx.example.com: unreachable unreachable'],
  },
  {
    claim: 'decision 14: P13: only unusable records at the expanded name: it is the base domain',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE], [EXPANDED]: [UNUSABLE] } },
    expect: ['mx.example.com: encrypt tlsa-unusable'],
  },
  {
    claim: 'decision 14: insecure TLSA at the expanded name: on to the original',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE], [EXPANDED]: [EE] }, insecure: [EXPANDED] },
    expect: authenticated,
  },
  {
    claim: 'P16: TLSA only at a name in the middle of the chain: none',
    internet: {
      records: {
        'MX example.com': ['10 mx.example.com'],
        'CNAME mx.example.com': ['middle.example.com'],
        'CNAME middle.example.com': ['host.example.net'],
        'A host.example.net': ['192.0.2.1'],
        'TLSA _25._tcp.middle.example.com': [EE],
      },
    },
    expect: withoutTlsa,
    tlsaAsked: [ORIGINAL, EXPANDED],
  },
  {
    claim: 'P18: an alias at the TLSA name leaves the base domain where it was',
    internet: {
      records: {
        ...SOUND,
        [`CNAME ${TLSA}`]: ['tlsa201._dane.example.com'],
        'TLSA tlsa201._dane.example.com': [TA],
      },
    },
    expect: authenticated,
  },
  {
    claim: 'P23: implicit MX by alias, TLSA at the expansion: both names',
    internet: {
      records: {
        'CNAME example.com': ['host.example.net'],
        'A host.example.net': ['192.0.2.1'],
        [EXPANDED]: [TA],
      },
    },
    expect: ['example.com: authenticate host.example.net as host.example.net example.com'],
  },
  {
    claim: 'P23: implicit MX by alias, TLSA at the domain: that name alone',
    internet: {
      records: {
        'CNAME example.com': ['host.example.net'],
        'A host.example.net': ['192.0.2.1'],
        'TLSA _25._tcp.example.com': [TA],
      },
    },
    expect: ['example.com: authenticate example.com as example.com'],
  },
  {
    claim: 'P24: the example of RFC 7672 section 3.2.2, names exactly as listed there',
    domain: 'exchange.example.org',
    internet: {
      records: {
        'CNAME exchange.example.org': ['mail.example.org'],
        'CNAME mail.example.org': ['example.com'],
        'MX example.com': ['10 mx10.example.com', '15 mx15.example.com', '20 mx20.example.com'],
        'A mx10.example.com': ['192.0.2.10'],
        'TLSA _25._tcp.mx10.example.com': [TA],
        'CNAME mx15.example.com': ['mxbackup.example.com'],
        'A mxbackup.example.com': ['192.0.2.15'],
        'TLSA _25._tcp.mx15.example.com': [TA],
        'CNAME mx20.example.com': ['mxbackup.example.net'],
        'A mxbackup.example.net': ['198.51.100.20'],
        'TLSA _25._tcp.mxbackup.example.net': [TA],
      },
      absent: ['_25._tcp.mxbackup.example.com'],
    },
    expect: [
      'mx10.example.com: authenticate mx10.example.com as mx10.example.com exchange.example.org example.com',
      'mx15.example.com: authenticate mx15.example.com as mx15.example.com exchange.example.org example.com',
      'mx20.example.com: authenticate mxbackup.example.net as mxbackup.example.net exchange.example.org example.com',
    ],
  },
];

const TLSA_CASES: readonly Case[] = [
  {
    claim: 'P01: all secure: authenticate',
    internet: { records: WITH_TLSA },
    expect: authenticated,
  },
  {
    claim: 'decision 15: P03: TLSA lookup error: the host must not be contacted',
    internet: { records: WITH_TLSA, unreachable: [ORIGINAL] },
    expect: ['mx.example.com: unreachable unreachable'],
  },
  {
    claim: 'decision 15: P05, P06: bogus TLSA: the same',
    internet: { records: WITH_TLSA, bogus: [ORIGINAL] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 16: TLSA securely absent (NODATA)',
    internet: { records: SOUND },
    expect: withoutTlsa,
  },
  {
    claim: 'decision 16: P04: TLSA securely absent (NXDOMAIN)',
    internet: { records: SOUND, absent: [TLSA] },
    expect: withoutTlsa,
  },
  {
    claim: 'decision 16: P57: TLSA absent by an insecure denial (opt-out)',
    internet: { records: SOUND, insecure: [ORIGINAL] },
    expect: withoutTlsa,
  },
  {
    claim: 'decision 17: P19: TLSA by an alias into an unsigned zone: opportunistic',
    internet: {
      records: { ...SOUND, [`CNAME ${TLSA}`]: ['tlsa.example.net'], 'TLSA tlsa.example.net': [EE] },
      insecure: ['TLSA tlsa.example.net'],
    },
    expect: ['mx.example.com: opportunistic insecure-tlsa'],
  },
  {
    claim: 'decision 18: only unusable records: encrypt',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE] } },
    expect: ['mx.example.com: encrypt tlsa-unusable'],
  },
  {
    claim: 'M40: one usable record among unusable ones: authenticate',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE, EE] } },
    expect: authenticated,
  },
  {
    claim:
      'decision 35: P31: a relay host is not subject to MX look-up, and its port is in the name',
    domain: 'mx.example.com',
    options: { mx: 'skip', port: 587 },
    internet: {
      records: {
        'MX mx.example.com': ['10 elsewhere.example.com'],
        'A mx.example.com': ['192.0.2.1'],
        'TLSA _587._tcp.mx.example.com': [TA],
      },
    },
    expect: ['mx.example.com: authenticate mx.example.com as mx.example.com'],
    tlsaAsked: ['TLSA _587._tcp.mx.example.com'],
  },
  {
    claim: 'decision 35: a relay that is an alias: the expansion first, and both names',
    domain: 'mx.example.com',
    options: { mx: 'skip' },
    internet: { records: { ...ALIAS, [EXPANDED]: [TA] } },
    expect: ['mx.example.com: authenticate host.example.net as host.example.net mx.example.com'],
  },
  {
    claim: 'P32: a port of its own',
    options: { port: 2525 },
    internet: { records: { ...SOUND, 'TLSA _2525._tcp.mx.example.com': [EE] } },
    expect: authenticated,
  },
];

/** Whatever is behind it, somebody else may have named the host. */
const INSECURE_MX: Internet = { records: WITH_TLSA, insecure: ['MX example.com'] };
const INSECURE_ALIAS: Internet = {
  records: { ...WITH_TLSA, 'CNAME www.example.org': ['example.com'] },
  insecure: ['CNAME www.example.org'],
};
const INSECURE_DENIAL: Internet = {
  records: { 'A example.com': ['192.0.2.1'], 'TLSA _25._tcp.example.com': [EE] },
  insecure: ['MX example.com'],
};
const insecureMx = ['mx.example.com: opportunistic insecure-mx'];
const halfDane = ['mx.example.com: half-dane mx.example.com as mx.example.com'];
const MAY: PlanOptions = { halfDane: 'may' };
const ENCRYPT: PlanOptions = { halfDane: 'encrypt' };

const HALF_DANE_CASES: readonly Case[] = [
  {
    claim: 'decision 4: insecure MX, TLSA absent',
    internet: { records: SOUND, insecure: ['MX example.com'] },
    expect: insecureMx,
  },
  {
    claim: 'decision 4: insecure MX and insecure address: TLSA is not asked for',
    internet: {
      records: WITH_TLSA,
      insecure: ['MX example.com', 'A mx.example.com', 'AAAA mx.example.com'],
      unsigned: ['example.com'],
    },
    expect: insecureMx,
    tlsaAsked: [],
  },
  {
    claim: 'decision 5: insecure MX, host and TLSA secure: half-DANE, without the next-hop domain',
    internet: INSECURE_MX,
    expect: halfDane,
  },
  {
    claim:
      'decision 5: an insecure alias to a secure MX is an insecure MX (RFC 7672 section 2.1.3)',
    internet: INSECURE_ALIAS,
    domain: 'www.example.org',
    expect: halfDane,
  },
  {
    claim: 'decision 5: TLSA at the secure expansion of the host: that name alone',
    internet: {
      records: { ...ALIAS, [EXPANDED]: [TA], [ORIGINAL]: [TA] },
      insecure: ['MX example.com'],
    },
    expect: ['mx.example.com: half-dane host.example.net as host.example.net'],
  },
  {
    claim: 'decision 5: TLSA at the original alone: that name alone',
    internet: { records: { ...ALIAS, [ORIGINAL]: [TA] }, insecure: ['MX example.com'] },
    expect: halfDane,
  },
  {
    claim: 'decision 5: a TLSA lookup error puts the host out, as behind a secure MX',
    internet: { ...INSECURE_MX, unreachable: [ORIGINAL] },
    expect: ['mx.example.com: unreachable unreachable'],
  },
  {
    claim: 'decision 5: all records unusable: as decision 18',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE] }, insecure: ['MX example.com'] },
    expect: ['mx.example.com: encrypt tlsa-unusable'],
  },
  {
    claim: 'decision 6: half-dane=encrypt: TLS, with any certificate',
    internet: INSECURE_MX,
    options: ENCRYPT,
    expect: ['mx.example.com: encrypt half-dane'],
  },
  {
    claim: 'decision 6: half-dane=encrypt: a TLSA lookup error puts the host out',
    internet: { ...INSECURE_MX, bogus: [ORIGINAL] },
    options: ENCRYPT,
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 7: half-dane=may: opportunistic, TLSA not asked',
    internet: { ...INSECURE_MX, unreachable: [ORIGINAL] },
    options: MAY,
    expect: insecureMx,
    tlsaAsked: [],
  },
  {
    claim: 'decision 7: half-dane=may leaves a secure MX alone',
    internet: { records: WITH_TLSA },
    options: MAY,
    expect: authenticated,
  },
  {
    claim: 'decision 9: an address that cannot be had puts the host out behind an insecure MX too',
    internet: { ...INSECURE_MX, bogus: ['AAAA mx.example.com'] },
    options: MAY,
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'P22: no MX by an insecure denial: half-DANE at the domain itself',
    internet: INSECURE_DENIAL,
    expect: ['example.com: half-dane example.com as example.com'],
  },
  {
    claim: 'P22: no MX by an insecure denial, half-dane=may: as an insecure MX',
    internet: INSECURE_DENIAL,
    options: MAY,
    expect: ['example.com: opportunistic insecure-mx'],
    tlsaAsked: [],
  },
];

/** Column M: the operator demands DANE. */
const M_CASES: readonly Case[] = [
  {
    claim: 'decision 1: M: bogus MX: the same',
    internet: { records: WITH_TLSA, bogus: ['MX example.com'] },
    expect: ['defer signature-invalid'],
  },
  {
    claim: 'decision 2: M: secure null MX: refused',
    internet: { records: { 'MX example.com': ['0 .'] } },
    expect: ['refused null-mx'],
  },
  {
    claim: 'decision 2: M: insecure null MX: wait, for anybody may have said it',
    internet: { records: { 'MX example.com': ['0 .'] }, insecure: ['MX example.com'] },
    expect: ['defer dane-required: insecure-mx'],
  },
  {
    claim: 'decision 3: M: securely no such domain: refused',
    internet: { records: {}, absent: ['example.com'] },
    expect: ['refused no-such-domain'],
  },
  {
    claim: 'decision 3: M: insecurely no such domain: wait',
    internet: { records: {}, absent: ['example.com'], insecure: ['MX example.com'] },
    expect: ['defer dane-required: insecure-mx'],
  },
  {
    claim: 'decision 4: M: insecure MX: wait, and nothing more is asked',
    internet: { records: SOUND, insecure: ['MX example.com'] },
    expect: ['defer dane-required: insecure-mx'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 5: M: half-DANE is not DANE: wait',
    internet: INSECURE_MX,
    expect: ['defer dane-required: insecure-mx'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 6: M: half-DANE is not DANE: wait',
    internet: INSECURE_MX,
    options: ENCRYPT,
    expect: ['defer dane-required: insecure-mx'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 7: M: half-DANE is not DANE: wait',
    internet: INSECURE_MX,
    options: MAY,
    expect: ['defer dane-required: insecure-mx'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 8: M: no address: the same',
    internet: { records: { 'MX example.com': ['10 mx.example.com'] } },
    expect: ['mx.example.com: unreachable no-address'],
  },
  {
    claim: 'decision 9: M: bogus address: the same',
    internet: { records: WITH_TLSA, bogus: ['A mx.example.com'] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 10: M: insecure address: out',
    internet: { records: SOUND, insecure: ['A mx.example.com'], unsigned: ['mx.example.com'] },
    expect: ['mx.example.com: unreachable dane-required: insecure-address'],
    tlsaAsked: [],
  },
  {
    claim: 'decision 11: M: TLSA at the original name of an alias into an unsigned zone: the same',
    internet: { records: { ...ALIAS, [ORIGINAL]: [TA] }, insecure: insecureTarget },
    expect: authenticated,
  },
  {
    claim: 'decision 12: M: insecure alias: out',
    internet: { records: { ...ALIAS, [EXPANDED]: [EE] }, insecure: ['CNAME mx.example.com'] },
    expect: ['mx.example.com: unreachable dane-required: insecure-address'],
  },
  {
    claim: 'decision 13: M: bogus alias: the same',
    internet: { records: { ...ALIAS, [ORIGINAL]: [EE] }, bogus: ['A host.example.net'] },
    expect: ['mx.example.com: unreachable signature-invalid'],
  },
  {
    claim: 'decision 14: M: secure alias: the same',
    internet: { records: { ...ALIAS, [EXPANDED]: [EE] } },
    expect: ['mx.example.com: authenticate host.example.net as host.example.net example.com'],
  },
  {
    claim: 'decision 15: M: TLSA lookup error: the same',
    internet: { records: WITH_TLSA, unreachable: [ORIGINAL] },
    expect: ['mx.example.com: unreachable unreachable'],
  },
  {
    claim: 'decision 16: M: no TLSA: out',
    internet: { records: SOUND },
    expect: ['mx.example.com: unreachable dane-required: no-tlsa'],
  },
  {
    claim: 'decision 17: M: insecure TLSA: out',
    internet: { records: WITH_TLSA, insecure: [ORIGINAL] },
    expect: ['mx.example.com: unreachable dane-required: insecure-tlsa'],
  },
  {
    claim: 'decision 18: M: all unusable: not connected to, although TLS might be had',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE] } },
    expect: ['mx.example.com: unreachable dane-required: tlsa-unusable'],
  },
  {
    claim: 'decision 19: M: all unusable: not connected to, so that no STARTTLS is missed',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE] } },
    expect: ['mx.example.com: unreachable dane-required: tlsa-unusable'],
  },
  {
    claim: 'decision 20: M: all unusable: not connected to, so that no handshake fails',
    internet: { records: { ...SOUND, [ORIGINAL]: [UNUSABLE] } },
    expect: ['mx.example.com: unreachable dane-required: tlsa-unusable'],
  },
  {
    claim: 'decision 34: M: the host without TLSA is passed over for the one with them',
    internet: {
      records: {
        'MX example.com': ['10 mx1.example.com', '20 mx2.example.com'],
        'A mx1.example.com': ['192.0.2.1'],
        'A mx2.example.com': ['192.0.2.2'],
        'TLSA _25._tcp.mx2.example.com': [EE],
      },
    },
    expect: [
      'mx1.example.com: unreachable dane-required: no-tlsa',
      'mx2.example.com: authenticate mx2.example.com as mx2.example.com example.com',
    ],
  },
  {
    claim: 'decision 35: M: a relay with TLSA: the same',
    domain: 'mx.example.com',
    options: { mx: 'skip' },
    internet: { records: WITH_TLSA },
    expect: ['mx.example.com: authenticate mx.example.com as mx.example.com'],
  },
  {
    claim: 'decision 35: M: a relay without: out',
    domain: 'mx.example.com',
    options: { mx: 'skip' },
    internet: { records: SOUND },
    expect: ['mx.example.com: unreachable dane-required: no-tlsa'],
  },
];

const mandatory = (one: Case): Case => ({
  ...one,
  options: { ...one.options, mandatory: true },
});

const CASES: readonly Case[] = [
  ...MX_CASES,
  ...HALF_DANE_CASES,
  ...M_CASES.map(mandatory),
  ...ADDRESS_CASES,
  ...ALIAS_CASES,
  ...TLSA_CASES,
];

for (const { claim, internet, expect, domain = 'example.com', options, tlsaAsked } of CASES)
  t.test(claim, async (t) => {
    const { lookup, asked } = fakeLookup(internet);
    const plan = await planDelivery(Name.parse(domain), lookup, options);
    t.strictSame(show(plan), expect);
    const tlsa = asked.filter((question) => question.startsWith('TLSA')).sort();
    if (tlsaAsked) t.strictSame(tlsa, [...tlsaAsked].sort(), 'TLSA questions');
  });

t.test('decision 35, decision 36: next hops as Postfix has them', async (t) => {
  const { lookup, asked } = fakeLookup({
    records: {
      ...SOUND,
      'MX mx.example.com': ['10 elsewhere.example.com'],
      'TLSA _587._tcp.mx.example.com': [TA],
      'TLSA _2525._tcp.mx.example.com': [TA],
    },
  });
  const words = async (text: string, options: PlanOptions = {}) => {
    const parsed = parseNextHop(text);
    if (parsed.kind === 'malformed') throw new TypeError(parsed.why);
    return show(await planNextHop(parsed.nextHop, lookup, options));
  };
  const host = ['mx.example.com: authenticate mx.example.com as mx.example.com'];
  t.strictSame(await words('[mx.example.com]:587'), host);
  t.strictSame(await words('[mx.example.com]', { port: 587 }), host);
  t.strictSame(await words('[mx.example.com]:587', { port: 25 }), host, 'the nearer port counts');
  t.strictSame(await words('[mx.example.com]'), withoutTlsa);
  t.notOk(asked.includes('MX mx.example.com'), 'no MX is asked for');
  t.strictSame(await words('example.com:2525'), authenticated, 'by MX, at another port');
  const before = asked.length;
  for (const [text, address] of [
    ['[192.0.2.1]', '192.0.2.1'],
    ['[IPv6:2001:db8::1]:25', '2001:db8::1'],
  ] as const) {
    t.strictSame(await words(text), [`${address}: opportunistic address-literal`]);
    t.strictSame(await words(text, { mandatory: true }), [
      `${address}: unreachable dane-required: address-literal`,
    ]);
  }
  t.equal(asked.length, before, 'nothing is asked about an address');
});

t.test(
  'DANE switched off: TLSA is not asked for, and what MX and addresses come to stands',
  async (t) => {
    const off = async (internet: Internet) => {
      const { lookup, asked } = fakeLookup(internet);
      const plan = await planDelivery(Name.parse('example.com'), lookup, { dane: 'off' });
      t.notOk(asked.some((question) => question.startsWith('TLSA')));
      return show(plan);
    };
    t.strictSame(await off({ records: WITH_TLSA }), ['mx.example.com: opportunistic dane-off']);
    t.strictSame(await off(INSECURE_MX), insecureMx);
    t.strictSame(await off({ records: WITH_TLSA, bogus: ['MX example.com'] }), [
      'defer signature-invalid',
    ]);
    t.strictSame(await off({ records: WITH_TLSA, bogus: ['A mx.example.com'] }), [
      'mx.example.com: unreachable signature-invalid',
    ]);
  },
);

t.test('a failure names the zone and the record at fault', async (t) => {
  const { lookup } = fakeLookup({ records: WITH_TLSA, bogus: [ORIGINAL] });
  const plan = await planDelivery(Name.parse('example.com'), lookup);
  const host = plan.kind === 'deliver' ? plan.hosts[0] : undefined;
  if (host?.tls !== 'unreachable' || !('fault' in host)) return t.fail('not unreachable');
  t.equal(String(host.fault.owner), `${TLSA}.`);
  t.equal(host.fault.type, 'TLSA');
});

t.test('TLSA leaves beside the addresses, not after them', async (t) => {
  const { lookup, asked } = fakeLookup({ records: WITH_TLSA });
  const before: string[] = [];
  await planDelivery(Name.parse('example.com'), (name, type, options) => {
    before.push(`${type} ${plain(name)} ${options?.ask ?? 'always'}`);
    return lookup(name, type, options);
  });
  t.strictSame(before.sort(), [
    'A mx.example.com always',
    'AAAA mx.example.com always',
    'MX example.com always',
    `${ORIGINAL} if-signed`,
  ]);
  t.equal(asked.length, 4, 'and only once');
});

t.test('a secure address in a zone that looked unsigned is asked about after all', async (t) => {
  const { lookup, asked } = fakeLookup({ records: WITH_TLSA, unsigned: ['example.com'] });
  t.strictSame(show(await planDelivery(Name.parse('example.com'), lookup)), authenticated);
  t.ok(asked.includes(ORIGINAL));
});

t.test('addresses of both families come in turn', async (t) => {
  const { lookup } = fakeLookup({
    records: {
      ...SOUND,
      'A mx.example.com': ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      'AAAA mx.example.com': ['2001:db8::1'],
    },
  });
  const plan = await planDelivery(Name.parse('example.com'), lookup);
  const host = plan.kind === 'deliver' ? plan.hosts[0] : undefined;
  const addresses = host && host.tls !== 'unreachable' ? host.addresses : [];
  t.strictSame(addresses, ['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3']);
});

t.test(
  'a sender of one family does not ask for the other, so that its fault keeps nothing',
  async (t) => {
    const internet = { records: WITH_TLSA, bogus: ['AAAA mx.example.com'] };
    const { lookup, asked } = fakeLookup(internet);
    const domain = Name.parse('example.com');
    t.same(show(await planDelivery(domain, lookup, { families: 'ipv4' })), authenticated);
    t.notOk(asked.includes('AAAA mx.example.com'));
    t.same(show(await planDelivery(domain, lookup)), [
      'mx.example.com: unreachable signature-invalid',
    ]);
    const v6 = await planDelivery(domain, fakeLookup({ records: WITH_TLSA }).lookup, {
      families: 'ipv6',
    });
    t.same(show(v6), ['mx.example.com: unreachable no-address'], 'it has IPv4 addresses only');
  },
);

t.test('a hundred MX hosts: the 20 best are planned, the rest counted', async (t) => {
  const mx = Array.from({ length: 100 }, (_, i) => `${100 - i} mx${i}.example.com`);
  const { lookup, asked } = fakeLookup({ records: { 'MX example.com': mx } });
  const plan = await planDelivery(Name.parse('example.com'), lookup);
  if (plan.kind !== 'deliver') return t.fail(plan.kind);
  t.equal(plan.hosts.length, 20);
  t.equal(plan.surplus, 80);
  t.equal(plain(plan.hosts[0]?.host ?? Name.parse('.')), 'mx99.example.com');
  t.ok(asked.length <= 1 + 20 * 3, 'and no more than three questions a host');
});

t.test('a base domain too long for a TLSA name has no TLSA records', async (t) => {
  const label = 'x'.repeat(63);
  const long = `${label}.${label}.${label}.${'y'.repeat(55)}`;
  const { lookup } = fakeLookup({
    records: { 'MX example.com': [`10 ${long}`], [`A ${long}`]: ['192.0.2.1'] },
  });
  const plan = await planDelivery(Name.parse('example.com'), lookup);
  t.strictSame(show(plan), [`${long}: opportunistic no-tlsa`]);
});

t.test('an aborted lookup rejects, once, and leaves no rejection unheard', async (t) => {
  const gone = async () => {
    throw new DOMException('aborted', 'AbortError');
  };
  await t.rejects(planDelivery(Name.parse('example.com'), gone), { name: 'AbortError' });
  const { lookup } = fakeLookup({ records: WITH_TLSA });
  const mxOnly: typeof lookup = (name, type, options) =>
    type === 'MX' ? lookup(name, type, options) : gone();
  await t.rejects(planDelivery(Name.parse('example.com'), mxOnly), { name: 'AbortError' });
});
