// Rows 35 to 45 of ../shared/spec/dane-decisions.md: next hops that the operator names, MTA-STS, REQUIRETLS, TLS-Required: No.
import type { StsFinding } from '../../src/mta/mta-sts.ts';
import { parsePolicy } from '../../src/mta/sts-policy.ts';
import { issue } from '../../src/testing/certificates.ts';
import { corruptSignatures } from '../../src/testing/index.ts';
import {
  type Case,
  CHAIN,
  check,
  EE,
  EE_OF_OTHER,
  half,
  MX,
  NOW,
  OTHER,
  one,
  two,
  UNUSABLE,
} from './deliver-support.ts';

const OFFERS = { '192.0.2.1': {} };
const SHOWS_OTHER = { '192.0.2.1': { chain: OTHER } };
const NO_STARTTLS = { '192.0.2.1': { fault: 'no-starttls' } } as const;
const VERIFIED = 'delivered verified mx.example.com 2.0.0';
const ENCRYPTED = 'delivered encrypted mx.example.com 2.0.0';
const CLEAR = 'delivered clear mx.example.com 2.0.0';
const IN_TLS = ['192.0.2.1 tls <you@example.com>'];
const IN_CLEAR = ['192.0.2.1 clear <you@example.com>'];
const MANDATORY = { terms: { mandatoryDane: true } } as const;
const MISMATCH = 'deferred 4.7.5 dane-no-match mx.example.com';

/** The TLSA records of a relay at port 587. */
const relay = (...records: readonly string[]) => ({
  'example.com': ['@ MX 10 elsewhere', 'mx A 192.0.2.1', ...records],
});
const SUBMISSION = `_587._tcp.mx TLSA ${EE}`;

const NEXT_HOPS: readonly Case[] = [
  {
    claim: 'decision 35: [host]:587: TLSA at that port of the host itself, no MX look-up',
    zones: relay(SUBMISSION),
    nextHop: '[mx.example.com]:587',
    port: 587,
    hosts: OFFERS,
    expect: VERIFIED,
    taken: IN_TLS,
    tlsaAsked: ['_587._tcp.mx.example.com.'],
    sessions: ['tlsa mx.example.com success'],
  },
  {
    claim: 'decision 35: [host]: a wrong certificate is not taken',
    zones: one(EE),
    nextHop: '[mx.example.com]',
    hosts: SHOWS_OTHER,
    expect: MISMATCH,
  },
  {
    claim: 'decision 35: [host]: TLSA lookup error: not contacted',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    nextHop: '[mx.example.com]',
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 35: a relay in an unsigned zone: opportunistic, as row 10',
    zones: { 'example.com': { records: ['mx A 192.0.2.1'], signing: 'unsigned' } },
    nextHop: '[mx.example.com]',
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    tlsaAsked: [],
  },
  {
    claim: 'decision 36: an address: no DANE, the operator decides',
    zones: one(EE),
    nextHop: '[192.0.2.1]',
    hosts: SHOWS_OTHER,
    expect: 'delivered encrypted 192.0.2.1 2.0.0',
    taken: IN_TLS,
    tlsaAsked: [],
    sessions: [],
  },
  {
    claim: 'decision 36: an address and tls = required: no clear text',
    zones: one(EE),
    nextHop: '[192.0.2.1]',
    hosts: NO_STARTTLS,
    terms: { tls: 'required' },
    expect: 'deferred 4.7.4 no-starttls 192.0.2.1',
  },
  {
    claim: 'decision 36: an address where DANE is demanded: deferred, not contacted',
    zones: one(EE),
    nextHop: '[192.0.2.1]',
    hosts: OFFERS,
    ...MANDATORY,
    expect: 'deferred 4.7.5 dane-required 192.0.2.1',
    met: [],
  },
];

/** A policy that lists these hosts. */
function sts(mode: 'enforce' | 'testing', ...mx: readonly string[]): NonNullable<Case['parts']> {
  const text = [
    'version: STSv1',
    `mode: ${mode}`,
    ...mx.map((host) => `mx: ${host}`),
    'max_age: 604800',
    '',
  ].join('\r\n');
  const parsed = parsePolicy(new TextEncoder().encode(text), { id: '1', fetchedAt: NOW });
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  const finding: StsFinding = { kind: 'policy', policy: parsed.policy };
  return { sts: { find: () => Promise.resolve(finding) } };
}

/** A policy that only one domain has. */
function stsOf(domain: string, ...mx: readonly string[]): NonNullable<Case['parts']> {
  const { sts: only } = sts('enforce', ...mx);
  return {
    sts: {
      find: async (name) =>
        only && `${name}` === `${domain}.` ? only.find(name) : { kind: 'none' },
    },
  };
}

const STS: readonly Case[] = [
  {
    claim: 'decision 35: the policy domain of a relay is the relay itself (RFC 8461 section 3.4)',
    zones: one(),
    nextHop: '[mx.example.com]',
    parts: stsOf('mx.example.com', 'mx.example.com'),
    hosts: NO_STARTTLS,
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'decision 35: and not the domain above it',
    zones: one(),
    nextHop: '[mx.example.com]',
    parts: stsOf('example.com', 'mx.example.com'),
    hosts: NO_STARTTLS,
    expect: CLEAR,
  },
  {
    claim:
      'decision 37, P46: (a) a host that an enforced policy does not list is left out, DANE or not',
    zones: two([EE], [EE]),
    parts: sts('enforce', 'mx2.example.com'),
    hosts: { '192.0.2.1': {}, '192.0.2.2': {} },
    expect: 'delivered verified mx2.example.com 2.0.0',
    taken: ['192.0.2.2 tls <you@example.com>'],
    met: ['192.0.2.2 handshake'],
  },
  {
    claim: 'decision 37: (a) and no other host: deferred',
    zones: one(EE),
    parts: sts('enforce', 'other.example.com'),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 sts-mx-mismatch mx.example.com',
    sessions: ['sts example.com validation-failure mx-mismatch'],
  },
  {
    claim: 'decision 37: (a) with sts-mx-filter off DANE may use it',
    zones: one(EE),
    parts: sts('enforce', 'other.example.com'),
    terms: { stsMxFilter: false },
    hosts: OFFERS,
    expect: VERIFIED,
    taken: IN_TLS,
  },
  {
    claim: 'decision 37: (b) DANE alone judges the certificate of a listed host',
    zones: one(EE_OF_OTHER),
    parts: sts('enforce', MX),
    hosts: SHOWS_OTHER,
    expect: VERIFIED,
    taken: IN_TLS,
    sessions: [
      'tlsa mx.example.com success',
      'sts example.com certificate-not-trusted no path to a trusted root',
    ],
  },
  {
    claim: 'decision 38, P44: a good certificate by the authorities does not rescue a failed DANE',
    zones: one(EE_OF_OTHER),
    parts: sts('enforce', MX),
    hosts: { '192.0.2.1': { chain: CHAIN } },
    expect: MISMATCH,
    sessions: ['tlsa mx.example.com validation-failure dane-no-match', 'sts example.com success'],
  },
  {
    claim: 'decision 39, P45: TLSA lookup error: never on to MTA-STS',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    parts: sts('enforce', MX),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 40: unusable records, and a certificate that the authorities do not know',
    zones: one(UNUSABLE),
    parts: sts('enforce', MX),
    hosts: SHOWS_OTHER,
    expect: 'deferred 4.7.5 certificate-not-trusted mx.example.com',
    sessions: [
      'tlsa mx.example.com tlsa-invalid all-tlsa-records-unusable',
      'sts example.com certificate-not-trusted no path to a trusted root',
    ],
  },
  {
    claim: 'decision 40, P48: unusable records, and a good certificate: delivered, by MTA-STS',
    zones: one(UNUSABLE),
    parts: sts('enforce', MX),
    hosts: OFFERS,
    expect: 'delivered sts mx.example.com 2.0.0',
    taken: IN_TLS,
  },
  {
    claim: 'decision 40: no STARTTLS: deferred, whatever tls says',
    zones: one(),
    parts: sts('enforce', MX),
    hosts: NO_STARTTLS,
    terms: { tls: 'no' },
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'P47: a policy under test: delivered with a bad certificate, and reported',
    zones: one(),
    parts: sts('testing', MX),
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    sessions: ['sts example.com certificate-not-trusted no path to a trusted root'],
  },
];

const KNOWS = { tlsExtensions: ['REQUIRETLS'] } as const;
const REQUIRETLS = { message: { requireTls: true } } as const;
const UNSIGNED = {
  'example.com': { records: ['@ MX 10 mx', 'mx A 192.0.2.1'], signing: 'unsigned' },
} as const;

const REQUIRED: readonly Case[] = [
  {
    claim: 'decision 41: REQUIRETLS, signed MX, a match: delivered with the option',
    zones: one(EE),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': KNOWS },
    expect: VERIFIED,
    taken: IN_TLS,
    from: ['<me@sender.example> REQUIRETLS'],
  },
  {
    claim: 'decision 41: no TLSA: the authorities have to know the host',
    zones: one(),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': KNOWS },
    expect: 'delivered authorities mx.example.com 2.0.0',
    taken: IN_TLS,
    from: ['<me@sender.example> REQUIRETLS'],
  },
  {
    claim: 'decision 41: unusable TLSA: the same',
    zones: one(UNUSABLE),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': { ...KNOWS, chain: OTHER } },
    expect: 'failed 5.7.10 certificate-not-trusted mx.example.com',
  },
  {
    claim: 'decision 41: unsigned MX that an MTA-STS policy lists',
    zones: UNSIGNED,
    ...REQUIRETLS,
    parts: sts('enforce', MX),
    hosts: { '192.0.2.1': KNOWS },
    expect: 'delivered sts mx.example.com 2.0.0',
    taken: IN_TLS,
    from: ['<me@sender.example> REQUIRETLS'],
  },
  {
    claim: 'decision 41: no usable record where DANE is demanded: deferred',
    zones: one(UNUSABLE),
    ...REQUIRETLS,
    ...MANDATORY,
    hosts: { '192.0.2.1': KNOWS },
    expect: 'deferred 4.7.5 dane-required mx.example.com',
    met: [],
  },
  {
    claim: 'decision 42: REQUIRETLS, unsigned MX and no MTA-STS: fails without a connection',
    zones: UNSIGNED,
    ...REQUIRETLS,
    hosts: { '192.0.2.1': KNOWS },
    expect: 'failed 5.7.10 mx-not-validated mx.example.com',
    met: [],
  },
  {
    claim:
      'decision 42: every host shows a wrong certificate: fails, with the DANE failure reported',
    zones: two([EE], [EE]),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': { ...KNOWS, chain: OTHER }, '192.0.2.2': { fault: 'no-starttls' } },
    expect: 'failed 5.7.10 dane-no-match mx.example.com',
    sessions: [
      'tlsa mx.example.com validation-failure dane-no-match',
      'tlsa mx2.example.com starttls-not-supported',
    ],
  },
  {
    claim: 'decision 42: a host that could not be reached: still deferred',
    zones: two([EE], [EE]),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': { ...KNOWS, chain: OTHER } },
    expect: MISMATCH,
  },
  {
    claim: 'decision 42: a lookup error: still deferred',
    zones: two([EE], [EE]),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': KNOWS, '192.0.2.2': KNOWS },
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'P49: REQUIRETLS and half-DANE only: fails',
    zones: half(EE),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': KNOWS },
    expect: 'failed 5.7.10 mx-not-validated mx.example.net',
    met: [],
  },
  {
    claim: 'decision 43: a server without REQUIRETLS: the next host',
    zones: two([EE], [EE]),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': {}, '192.0.2.2': KNOWS },
    expect: 'delivered verified mx2.example.com 2.0.0',
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'decision 43: no server knows it: fails; TLS was fine and is counted so',
    zones: one(EE),
    ...REQUIRETLS,
    hosts: OFFERS,
    expect: 'failed 5.7.30 no-requiretls mx.example.com',
    sessions: ['tlsa mx.example.com success'],
  },
  {
    claim: 'decision 43: announced in clear only, that is by nobody who has shown himself',
    zones: one(EE),
    ...REQUIRETLS,
    hosts: {
      '192.0.2.1': {
        answers: { EHLO: '250-mx\r\n250-REQUIRETLS\r\n250 STARTTLS', 'tls EHLO': '250 mx' },
      },
    },
    expect: 'failed 5.7.30 no-requiretls mx.example.com',
  },
  {
    claim: 'decision 43: another host failed as in row 42: 5.7.10',
    zones: two([EE], [EE]),
    ...REQUIRETLS,
    hosts: { '192.0.2.1': {}, '192.0.2.2': { ...KNOWS, chain: OTHER } },
    expect: 'failed 5.7.10 dane-no-match mx2.example.com',
  },
  {
    claim: 'decision 43: a bounce is sent all the same, without the option',
    zones: one(EE),
    message: { requireTls: true, from: '' },
    hosts: OFFERS,
    expect: VERIFIED,
    taken: IN_TLS,
    from: ['<>'],
  },
  {
    claim: 'decision 41: REQUIRETLS beats TLS-Required: No',
    zones: one(EE),
    message: { requireTls: true, tlsRequired: 'no' },
    hosts: { '192.0.2.1': { ...KNOWS, chain: OTHER } },
    expect: 'failed 5.7.10 dane-no-match mx.example.com',
  },
];

const NO = { message: { tlsRequired: 'no' } } as const;

const OPTIONAL: readonly Case[] = [
  {
    claim: 'decision 44, P50: TLS-Required: No and a mismatch: delivered over TLS, and reported',
    zones: one(EE),
    ...NO,
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    overlooked: ['dane-no-match'],
    sessions: ['tlsa mx.example.com validation-failure dane-no-match'],
  },
  {
    claim: 'decision 44: no STARTTLS: delivered in clear, and reported',
    zones: one(EE),
    ...NO,
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    overlooked: ['no-starttls'],
    sessions: ['tlsa mx.example.com starttls-not-supported'],
  },
  {
    claim: 'decision 44: the handshake fails: delivered in clear on a new connection',
    zones: one(EE),
    ...NO,
    hosts: { '192.0.2.1': { fault: 'handshake-alert' } },
    expect: CLEAR,
    taken: IN_CLEAR,
    overlooked: ['handshake-failed'],
  },
  {
    claim: 'decision 44: TLSA lookup error: delivered, and reported',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    ...NO,
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    overlooked: ['signature-invalid'],
  },
  {
    claim: 'decision 44: bogus MX: as row 1',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('MX')),
    ...NO,
    hosts: OFFERS,
    expect: 'deferred 4.4.3 signature-invalid',
    met: [],
  },
  {
    claim: 'decision 44: bogus address: as row 9',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('A')),
    ...NO,
    hosts: OFFERS,
    expect: 'deferred 4.4.3 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 44: an enforced MTA-STS policy does not hold it either',
    zones: one(),
    ...NO,
    parts: sts('enforce', 'other.example.com'),
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
  },
  {
    claim: 'decision 44: it lifts the demand for DANE by default',
    zones: UNSIGNED,
    ...NO,
    ...MANDATORY,
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    overlooked: ['dane-required'],
  },
  {
    claim: 'decision 44: a setting keeps the demand',
    zones: one(EE),
    ...NO,
    terms: { mandatoryDane: true, tlsRequiredNo: 'keeps-mandatory' },
    hosts: SHOWS_OTHER,
    expect: MISMATCH,
  },
  {
    claim: 'decision 45: our own TLS report goes through a mismatch, and no report tells of it',
    zones: one(EE),
    message: { purpose: 'tls-report' },
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    overlooked: ['dane-no-match'],
    sessions: [],
  },
  {
    claim: 'decision 45: and in clear where there is no STARTTLS',
    zones: one(EE),
    message: { purpose: 'tls-report' },
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    overlooked: ['no-starttls'],
    sessions: [],
  },
];

const AUDIT: readonly Case[] = [
  {
    claim: 'audit: what DANE would stop is told, reported, and delivered',
    zones: one(EE),
    terms: { audit: true },
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    overlooked: ['dane-no-match'],
    sessions: ['tlsa mx.example.com validation-failure dane-no-match'],
  },
  {
    claim: 'audit: a lookup error too',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    terms: { audit: true },
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    overlooked: ['signature-invalid'],
  },
  {
    claim: 'audit: the demand for DANE too',
    zones: one(),
    terms: { audit: true, mandatoryDane: true },
    hosts: OFFERS,
    expect: ENCRYPTED,
    taken: IN_TLS,
    overlooked: ['dane-required'],
  },
  {
    claim: 'audit: MTA-STS and tls = required still hold',
    zones: one(EE),
    terms: { audit: true, tls: 'required' },
    hosts: NO_STARTTLS,
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'enable_dane off: looked up, not applied',
    zones: one(EE),
    terms: { enableDane: false },
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    tlsaAsked: ['_25._tcp.mx.example.com.'],
    overlooked: ['dane-no-match'],
  },
  {
    claim: 'use_dane off: no TLSA question',
    zones: one(EE),
    terms: { useDane: false },
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
    tlsaAsked: [],
  },
  {
    claim: 'tls_verify = host: a certificate that nobody knows keeps the mail, in clear too',
    zones: one(),
    terms: { tlsVerify: 'host' },
    hosts: SHOWS_OTHER,
    expect: 'deferred 4.7.5 certificate-not-trusted mx.example.com',
  },
  {
    claim: 'tls_verify = host: one that the authorities know is named so',
    zones: one(),
    terms: { tlsVerify: 'host' },
    hosts: OFFERS,
    expect: 'delivered authorities mx.example.com 2.0.0',
    taken: IN_TLS,
  },
  {
    claim: 'tls_verify = ca: another name will do',
    zones: one(),
    terms: { tlsVerify: 'ca' },
    hosts: { '192.0.2.1': { chain: renamed() } },
    expect: ENCRYPTED,
    taken: IN_TLS,
  },
  {
    claim: 'tls_verify = optional: looked at, and nothing depends on it',
    zones: one(),
    terms: { tlsVerify: 'optional' },
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    taken: IN_TLS,
  },
];

/** The same authorities, another name. */
function renamed() {
  const [, intermediate, root] = CHAIN;
  return [issue({ names: ['other.example.net'] }, intermediate), intermediate, root];
}

check([...NEXT_HOPS, ...STS, ...REQUIRED, ...OPTIONAL, ...AUDIT]);
