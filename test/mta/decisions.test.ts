// Rows 1 to 34 of ../shared/spec/dane-decisions.md, from the DNS to the server that takes the mail.
import { Name } from '../../src/dns/name.ts';
import type { Open } from '../../src/mta/contact.ts';
import { issue, issueChain, tlsaFor } from '../../src/testing/certificates.ts';
import {
  corruptDenial,
  corruptSignatures,
  onlyFor,
  servfail,
  silence,
} from '../../src/testing/index.ts';
import type { Channel } from '../../src/tls/channel.ts';
import {
  type Case,
  CHAIN,
  check,
  DAY_MS,
  EE,
  EE_OF_OTHER,
  half,
  MX,
  NOW,
  OTHER,
  one,
  TLSA,
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

const UNSIGNED = {
  'example.com': {
    records: ['@ MX 10 mx', 'mx A 192.0.2.1', ...TLSA('mx', EE_OF_OTHER)],
    signing: 'unsigned',
  },
} as const;
const MANDATORY = { terms: { mandatoryDane: true } } as const;
const REQUIRED = (host = '') => `deferred 4.7.5 dane-required${host && ` ${host}`}`;

const LOOKUPS: readonly Case[] = [
  {
    claim: 'decision 1: bogus MX: deferred, nobody is contacted',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('MX')),
    hosts: OFFERS,
    expect: 'deferred 4.4.3 signature-invalid',
    sessions: ['no-policy-found example.com validation-failure ede-6'],
    met: [],
  },
  {
    claim: 'decision 1: silence about the MX: the same, also where DANE is demanded',
    zones: one(EE),
    amend: (net) => net.amend('example.com', silence('MX')),
    hosts: OFFERS,
    ...MANDATORY,
    expect: 'deferred 4.4.3 unreachable',
    met: [],
  },
  {
    claim: 'decision 2: null MX: fails at once',
    zones: { 'example.com': ['@ MX 0 .', '@ A 192.0.2.1'] },
    hosts: OFFERS,
    expect: 'failed 5.1.10 null-mx',
    sessions: [],
    met: [],
  },
  {
    claim: 'decision 2: unsigned null MX: fails, but waits where DANE is demanded',
    zones: { 'example.com': { records: ['@ MX 0 .'], signing: 'unsigned' } },
    expect: 'failed 5.1.10 null-mx',
  },
  {
    claim: 'decision 2: unsigned null MX where DANE is demanded: waits',
    zones: { 'example.com': { records: ['@ MX 0 .'], signing: 'unsigned' } },
    ...MANDATORY,
    expect: REQUIRED(),
  },
  {
    claim: 'decision 3: no such domain: fails',
    zones: { 'example.com': [] },
    nextHop: 'no.example.com',
    expect: 'failed 5.1.2 no-such-domain',
    sessions: [],
  },
  {
    claim: 'decision 3: no such domain by an unsigned denial where DANE is demanded: waits',
    zones: { 'example.com': { records: [], signing: 'unsigned' } },
    nextHop: 'no.example.com',
    ...MANDATORY,
    expect: REQUIRED(),
  },
  {
    claim: 'decision 4: unsigned MX: TLS if it can be had, whatever the certificate',
    zones: UNSIGNED,
    hosts: OFFERS,
    expect: ENCRYPTED,
    sessions: ['no-policy-found example.com success'],
    taken: IN_TLS,
    tlsaAsked: [],
  },
  {
    claim: 'decision 4: unsigned MX, no STARTTLS: in clear on the same connection',
    zones: UNSIGNED,
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
    met: ['192.0.2.1 no-starttls'],
  },
  {
    claim: 'decision 4: unsigned MX, STARTTLS refused: in clear on the same connection',
    zones: UNSIGNED,
    hosts: { '192.0.2.1': { fault: 'starttls-refused' } },
    expect: CLEAR,
    taken: IN_CLEAR,
    met: ['192.0.2.1 starttls-refused'],
  },
  {
    claim: 'decision 4: unsigned MX, the handshake fails: in clear on a new connection',
    zones: UNSIGNED,
    hosts: { '192.0.2.1': { fault: 'handshake-alert' } },
    expect: CLEAR,
    taken: IN_CLEAR,
    met: ['192.0.2.1 handshake-failed'],
  },
  {
    claim: 'decision 4: the same without tls_ifavailable_fallback: deferred',
    zones: UNSIGNED,
    hosts: { '192.0.2.1': { fault: 'handshake-alert' } },
    terms: { tlsIfavailableFallback: false },
    expect: 'deferred 4.7.5 handshake-failed mx.example.com',
  },
  {
    claim: 'decision 4: tls = required: never in clear',
    zones: UNSIGNED,
    hosts: NO_STARTTLS,
    terms: { tls: 'required' },
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'decision 4: tls = no: in clear although STARTTLS is offered',
    zones: UNSIGNED,
    hosts: OFFERS,
    terms: { tls: 'no' },
    expect: CLEAR,
    taken: IN_CLEAR,
  },
  {
    claim: 'decision 4: unsigned MX where DANE is demanded: deferred, nobody is contacted',
    zones: UNSIGNED,
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED(),
    met: [],
  },
  {
    claim: 'decision 5: unsigned MX, signed host, a match: delivered as half-dane, never verified',
    zones: half(EE),
    hosts: OFFERS,
    expect: 'delivered half-dane mx.example.net 2.0.0',
    sessions: ['tlsa mx.example.net success'],
    taken: IN_TLS,
  },
  {
    claim: 'decision 5: no match: as for any host with TLSA records',
    zones: half(EE),
    hosts: SHOWS_OTHER,
    expect: 'deferred 4.7.5 dane-no-match mx.example.net',
  },
  {
    claim: 'decision 5: the next-hop domain is no name for the certificate',
    zones: half(tlsaFor(issueChain(['example.com']), 2, 0, 1)),
    hosts: { '192.0.2.1': { chain: issueChain(['example.com']) } },
    expect: 'deferred 4.7.5 dane-no-match mx.example.net',
  },
  {
    claim: 'decision 5: TLSA lookup error: the host is not contacted',
    zones: half(EE),
    amend: (net) => net.amend('example.net', corruptSignatures('TLSA')),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.net',
    met: [],
  },
  {
    claim: 'decision 5: where DANE is demanded, half of it is none',
    zones: half(EE),
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED(),
    met: [],
  },
  {
    claim: 'decision 6: half-dane = encrypt: TLS, whatever the certificate',
    zones: half(EE),
    hosts: SHOWS_OTHER,
    terms: { halfDane: 'encrypt' },
    expect: 'delivered encrypted mx.example.net 2.0.0',
    sessions: ['no-policy-found example.com success'],
    taken: IN_TLS,
  },
  {
    claim: 'decision 6: half-dane = encrypt, no STARTTLS: deferred',
    zones: half(EE),
    hosts: NO_STARTTLS,
    terms: { halfDane: 'encrypt' },
    expect: 'deferred 4.7.4 no-starttls mx.example.net',
  },
  {
    claim: 'decision 6: half-dane = encrypt, TLSA lookup error: not contacted',
    zones: half(EE),
    amend: (net) => net.amend('example.net', servfail('TLSA')),
    hosts: OFFERS,
    terms: { halfDane: 'encrypt' },
    expect: 'deferred 4.7.5 unreachable mx.example.net',
    met: [],
  },
  {
    claim: 'decision 7: half-dane = may: no TLSA question, and in clear where there is no STARTTLS',
    zones: half(EE),
    hosts: NO_STARTTLS,
    terms: { halfDane: 'may' },
    expect: 'delivered clear mx.example.net 2.0.0',
    taken: IN_CLEAR,
    tlsaAsked: [],
  },
  {
    claim: 'decision 8: no host has an address: fails',
    zones: { 'example.com': ['@ MX 10 mx', '@ MX 20 mx2'] },
    expect: 'failed 5.4.4 no-address',
    sessions: [],
  },
  {
    claim: 'decision 8: one has none, the other a passing fault: deferred',
    zones: { 'example.com': ['@ MX 10 mx', '@ MX 20 mx2', 'mx2 A 192.0.2.2'] },
    expect: 'deferred 4.4.1 connect-failed mx2.example.com',
  },
  {
    claim: 'decision 9: bogus address: not contacted, the next host is used',
    zones: two([EE], [EE]),
    amend: (net) =>
      net.amend('example.com', onlyFor({ types: ['AAAA'], below: Name.parse(MX) }, servfail())),
    hosts: { '192.0.2.1': {}, '192.0.2.2': {} },
    expect: 'delivered verified mx2.example.com 2.0.0',
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'decision 9: bogus address and no other host: deferred',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('A')),
    hosts: OFFERS,
    expect: 'deferred 4.4.3 signature-invalid mx.example.com',
    sessions: ['no-policy-found example.com validation-failure ede-6'],
    met: [],
  },
];

/** The host's address in an unsigned zone. */
const UNSIGNED_HOST = {
  'example.com': ['@ MX 10 mx.example.net.'],
  'example.net': {
    records: ['mx A 192.0.2.1', ...TLSA('mx', EE_OF_OTHER)],
    signing: 'unsigned',
  },
} as const;
const alias = (...records: readonly string[]) =>
  ({
    'example.com': ['@ MX 10 mx', 'mx CNAME host.example.net.', ...records],
  }) as const;
const EXPANDED = 'host.example.net';
const HOST_CHAIN = issueChain([EXPANDED]);

const HOSTS: readonly Case[] = [
  {
    claim: 'decision 10: unsigned address: no TLSA question, opportunistic',
    zones: UNSIGNED_HOST,
    hosts: NO_STARTTLS,
    expect: 'delivered clear mx.example.net 2.0.0',
    taken: IN_CLEAR,
    tlsaAsked: [],
  },
  {
    claim: 'decision 10: where DANE is demanded: not contacted',
    zones: UNSIGNED_HOST,
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED('mx.example.net'),
    met: [],
    tlsaAsked: [],
  },
  {
    claim: 'decision 11: signed alias into an unsigned zone: TLSA at the original name alone',
    zones: {
      ...alias(...TLSA('mx', tlsaFor(CHAIN, 2, 0, 1))),
      'example.net': { records: ['host A 192.0.2.1'], signing: 'unsigned' },
    },
    hosts: OFFERS,
    expect: VERIFIED,
    taken: IN_TLS,
    tlsaAsked: ['_25._tcp.mx.example.com.'],
  },
  {
    claim: 'decision 12: unsigned alias: as an unsigned address, whatever it leads to',
    zones: {
      'example.org': ['@ MX 10 mx.example.com.'],
      'example.com': { records: ['mx CNAME host.example.net.'], signing: 'unsigned' },
      'example.net': ['host A 192.0.2.1', ...TLSA('host', EE_OF_OTHER)],
    },
    nextHop: 'example.org',
    message: { to: ['you@example.org'] },
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: ['192.0.2.1 clear <you@example.org>'],
    tlsaAsked: [],
  },
  {
    // The alias comes with the addresses, so it fails as they do; a stub that asks for it again would say 4.7.5.
    claim: 'decision 13: bogus alias: not contacted',
    zones: {
      ...alias(...TLSA('mx', EE)),
      'example.net': { records: ['host A 192.0.2.1'], signing: 'unsigned' },
    },
    amend: (net) => net.amend('example.com', corruptSignatures('CNAME')),
    hosts: OFFERS,
    expect: 'deferred 4.4.3 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 14: signed alias: the expanded name comes first, in SNI and certificate',
    zones: {
      ...alias(...TLSA('mx', EE_OF_OTHER)),
      'example.net': ['host A 192.0.2.1', ...TLSA('host', tlsaFor(HOST_CHAIN, 2, 0, 1))],
    },
    hosts: { '192.0.2.1': { chain: HOST_CHAIN } },
    expect: VERIFIED,
    taken: IN_TLS,
  },
  {
    claim: 'decision 14: lookup error at the expanded name: the original is not asked',
    zones: {
      ...alias(...TLSA('mx', EE)),
      'example.net': ['host A 192.0.2.1', ...TLSA('host', EE)],
    },
    amend: (net) => net.amend('example.net', corruptSignatures('TLSA')),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 15: bogus TLSA: not contacted',
    zones: one(EE),
    amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    sessions: ['tlsa mx.example.com dnssec-invalid ede-6'],
    met: [],
  },
  {
    claim: 'decision 15: SERVFAIL for TLSA: not contacted, the next host is used',
    zones: two([EE], [EE]),
    amend: (net) =>
      net.amend('example.com', onlyFor({ types: ['TLSA'], below: Name.parse(MX) }, servfail())),
    hosts: { '192.0.2.1': {}, '192.0.2.2': {} },
    expect: 'delivered verified mx2.example.com 2.0.0',
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'decision 15: bogus denial of TLSA: not contacted',
    // Both address families are there, so nothing but TLSA has to be denied.
    zones: { 'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', 'mx AAAA 2001:db8::1'] },
    amend: (net) => net.amend('example.com', corruptDenial()),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 signature-invalid mx.example.com',
    met: [],
  },
  {
    claim: 'decision 16: no TLSA: opportunistic, in clear if need be',
    zones: one(),
    hosts: NO_STARTTLS,
    expect: CLEAR,
    sessions: ['no-policy-found example.com starttls-not-supported'],
    taken: IN_CLEAR,
  },
  {
    claim: 'decision 16: no TLSA where DANE is demanded: not contacted',
    zones: one(),
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED('mx.example.com'),
    met: [],
  },
  {
    claim: 'decision 17: TLSA by an alias into an unsigned zone: opportunistic',
    zones: {
      'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', '_25._tcp.mx CNAME tlsa.example.net.'],
      'example.net': { records: [`tlsa TLSA ${EE_OF_OTHER}`], signing: 'unsigned' },
    },
    hosts: NO_STARTTLS,
    expect: CLEAR,
    taken: IN_CLEAR,
  },
  {
    claim: 'decision 17: the same where DANE is demanded: not contacted',
    zones: {
      'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', '_25._tcp.mx CNAME tlsa.example.net.'],
      'example.net': { records: [`tlsa TLSA ${EE}`], signing: 'unsigned' },
    },
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED('mx.example.com'),
    met: [],
  },
  {
    claim: 'decision 18: all unusable: TLS, whatever the certificate',
    zones: one(UNUSABLE),
    hosts: SHOWS_OTHER,
    expect: ENCRYPTED,
    sessions: ['tlsa mx.example.com tlsa-invalid all-tlsa-records-unusable'],
    taken: IN_TLS,
  },
  {
    claim: 'decision 18: all unusable where DANE is demanded: not contacted',
    zones: one(UNUSABLE),
    hosts: OFFERS,
    ...MANDATORY,
    expect: REQUIRED('mx.example.com'),
    met: [],
  },
  {
    claim: 'decision 19: all unusable, no STARTTLS: deferred, whatever tls says',
    zones: one(UNUSABLE),
    hosts: NO_STARTTLS,
    terms: { tls: 'no' },
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
    sessions: ['tlsa mx.example.com starttls-not-supported'],
  },
  {
    claim: 'decision 20: all unusable, the handshake fails: never in clear',
    zones: one(UNUSABLE),
    hosts: { '192.0.2.1': { fault: 'handshake-alert' } },
    expect: 'deferred 4.7.5 handshake-failed mx.example.com',
    met: ['192.0.2.1 handshake-failed'],
  },
];

const trouble = (
  claim: string,
  fault: NonNullable<Exclude<Case['hosts'], undefined>[string]['fault']>,
  expect: string,
): Case => ({
  claim,
  zones: two([EE], [EE]),
  hosts: { '192.0.2.1': { fault } },
  expect: `${expect} mx.example.com`,
});
/** A second host takes over, which shows that the first one's trouble ends nothing but its own part. */
const next = (
  claim: string,
  first: NonNullable<Case['hosts']>[string],
  records: readonly string[] = [EE],
): Case => ({
  claim,
  zones: two(records, [EE]),
  hosts: { '192.0.2.1': first, '192.0.2.2': {} },
  expect: 'delivered verified mx2.example.com 2.0.0',
  taken: ['192.0.2.2 tls <you@example.com>'],
});

const PEERS: readonly Case[] = [
  trouble(
    'decision 21: usable, no STARTTLS: deferred',
    'no-starttls',
    'deferred 4.7.4 no-starttls',
  ),
  next('decision 21: usable, no STARTTLS: the next host', { fault: 'no-starttls' }),
  trouble('decision 22: EHLO rejected', 'ehlo-rejected', 'deferred 4.7.4 no-starttls'),
  next('decision 22: EHLO rejected: the next host', { fault: 'ehlo-rejected' }),
  trouble(
    'decision 23: STARTTLS answered with 454',
    'starttls-refused',
    'deferred 4.7.4 starttls-refused',
  ),
  {
    claim: 'decision 23: a 554 to STARTTLS counts as 4xx',
    zones: one(EE),
    hosts: { '192.0.2.1': { answers: { STARTTLS: '554 5.7.0 never' } } },
    expect: 'deferred 4.7.4 starttls-refused mx.example.com',
    sessions: ['tlsa mx.example.com starttls-not-supported smtp-starttls-reply-code-554'],
  },
  next('decision 23: STARTTLS refused: the next host', { fault: 'starttls-refused' }),
  trouble('decision 24: text behind the 220', 'injection', 'deferred 4.7.5 injected'),
  next('decision 24, P36: text behind the 220: aborted, the next host', { fault: 'injection' }),
  trouble('decision 25: an alert', 'handshake-alert', 'deferred 4.7.5 handshake-failed'),
  trouble('decision 25: the handshake breaks off', 'handshake-closed', 'deferred 4.7.5 closed'),
  next('decision 25: the handshake fails: the next host, no clear retry', {
    fault: 'handshake-alert',
  }),
  {
    claim: 'decision 26: 3 1 1 matches: verified',
    zones: one(EE),
    hosts: OFFERS,
    expect: VERIFIED,
    sessions: ['tlsa mx.example.com success'],
    taken: IN_TLS,
  },
  {
    claim: 'decision 26: 3 1 1 matches, expired and for another name: verified',
    zones: one(EE_OF_OTHER),
    hosts: SHOWS_OTHER,
    expect: VERIFIED,
    taken: IN_TLS,
  },
  {
    claim: 'decision 27: 2 0 1 matches, with the name of the host: verified',
    zones: one(tlsaFor(CHAIN, 2, 0, 1)),
    hosts: OFFERS,
    expect: VERIFIED,
    sessions: ['tlsa mx.example.com success'],
    taken: IN_TLS,
  },
  {
    claim: 'decision 28: 2 0 1, no name matches',
    zones: one(tlsaFor(CHAIN, 2, 0, 1)),
    hosts: { '192.0.2.1': { chain: leafLike({ names: ['other.example.net'] }) } },
    expect: 'deferred 4.7.5 certificate-host-mismatch mx.example.com',
    sessions: ['tlsa mx.example.com certificate-host-mismatch'],
  },
  {
    claim: 'decision 29: 2 0 1, the leaf has expired',
    zones: one(tlsaFor(CHAIN, 2, 0, 1)),
    hosts: { '192.0.2.1': { chain: leafLike({ notAfter: NOW - DAY_MS }) } },
    expect: 'deferred 4.7.5 certificate-expired mx.example.com',
    sessions: ['tlsa mx.example.com certificate-expired'],
  },
  {
    claim: 'decision 29: 2 0 1, the leaf is not valid yet',
    zones: one(tlsaFor(CHAIN, 2, 0, 1)),
    hosts: { '192.0.2.1': { chain: leafLike({ notBefore: NOW + DAY_MS }) } },
    expect: 'deferred 4.7.5 certificate-not-yet-valid mx.example.com',
    sessions: ['tlsa mx.example.com validation-failure certificate-not-yet-valid'],
  },
  {
    claim: 'decision 30: 2 0 1, the anchor is not sent',
    zones: one(tlsaFor(CHAIN, 2, 0, 1)),
    hosts: { '192.0.2.1': { chain: CHAIN.slice(0, 2) } },
    expect: 'deferred 4.7.5 dane-ta-missing-from-chain mx.example.com',
    sessions: ['tlsa mx.example.com certificate-not-trusted dane-ta-missing-from-chain'],
  },
  {
    claim: 'decision 31: nothing matches',
    zones: one(EE),
    hosts: SHOWS_OTHER,
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
    sessions: ['tlsa mx.example.com validation-failure dane-no-match'],
  },
  {
    claim: 'decision 32: a server with anonymous suites alone: they are never offered',
    zones: one(EE),
    hosts: { '192.0.2.1': { ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0' } },
    expect: 'deferred 4.7.5 handshake-failed mx.example.com',
  },
  {
    claim: 'decision 32: no certificate, if it happens',
    zones: one(EE),
    parts: { connect: withoutCertificate() },
    expect: 'deferred 4.7.5 no-certificate mx.example.com',
    sessions: ['tlsa mx.example.com validation-failure no-certificate'],
  },
  next('decision 31, P27: nothing matches: the next host', { chain: OTHER }),
  {
    claim: 'decision 33, P29: one address shows a wrong certificate, the other is used',
    zones: {
      'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', 'mx A 192.0.2.9', ...TLSA('mx', EE)],
    },
    hosts: { '192.0.2.1': { chain: OTHER }, '192.0.2.9': {} },
    expect: VERIFIED,
    sessions: [
      'tlsa mx.example.com validation-failure dane-no-match',
      'tlsa mx.example.com success',
    ],
    taken: ['192.0.2.9 tls <you@example.com>'],
    met: ['192.0.2.1 handshake', '192.0.2.9 handshake'],
  },
  {
    claim: 'decision 33: each address with the full check',
    zones: {
      'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', 'mx A 192.0.2.9', ...TLSA('mx', EE)],
    },
    hosts: { '192.0.2.1': { fault: 'no-starttls' }, '192.0.2.9': { chain: OTHER } },
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
    sessions: [
      'tlsa mx.example.com starttls-not-supported',
      'tlsa mx.example.com validation-failure dane-no-match',
    ],
    met: ['192.0.2.1 no-starttls', '192.0.2.9 handshake'],
  },
  {
    claim: 'decision 34, P26: a host without TLSA first, in clear, before one with',
    zones: two([], [EE]),
    hosts: { '192.0.2.1': { fault: 'no-starttls' }, '192.0.2.2': {} },
    expect: CLEAR,
    taken: IN_CLEAR,
  },
  {
    claim: 'decision 34: where DANE is demanded the host without is passed over',
    zones: two([], [EE]),
    hosts: { '192.0.2.1': {}, '192.0.2.2': {} },
    ...MANDATORY,
    expect: 'delivered verified mx2.example.com 2.0.0',
    taken: ['192.0.2.2 tls <you@example.com>'],
    met: ['192.0.2.2 handshake'],
  },
  {
    claim: 'P28: every host shows a wrong certificate: deferred',
    zones: two([EE], [EE]),
    hosts: { '192.0.2.1': { chain: OTHER }, '192.0.2.2': { chain: OTHER } },
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
    met: ['192.0.2.1 handshake', '192.0.2.2 handshake'],
  },
  {
    claim: 'P34: STARTTLS stripped from EHLO',
    zones: one(EE),
    hosts: NO_STARTTLS,
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'P35: 450 before STARTTLS: deferred as any 4xx, and no failure of DANE',
    zones: one(EE),
    hosts: { '192.0.2.1': { answers: { EHLO: '450 4.2.0 greylisted' } } },
    expect: 'deferred 4.2.0 smtp-refused mx.example.com',
    met: ['192.0.2.1 smtp-refused'],
    sessions: [],
  },
];

/** By the same authorities. */
function leafLike(description: Parameters<typeof issue>[0]) {
  const [, intermediate, root] = CHAIN;
  return [issue({ names: [MX], ...description }, intermediate), intermediate, root];
}

/** What tls/connect.ts would make of a handshake without certificates, which Node's client cannot be brought to. */
function withoutCertificate(): Open {
  const met = {
    kind: 'handshake',
    chain: [],
    protocol: 'TLSv1.2',
    cipher: 'ADH',
    greeting: '',
  } as const;
  const channel: Channel = {
    layer: 'tls',
    ask: () => Promise.reject(new Error('nothing may be said')),
    send: () => Promise.reject(new Error('nothing may be said')),
    release: () => undefined,
    close: () => Promise.resolve(),
  };
  return () => Promise.resolve({ kind: 'tls', met, channel });
}

check([...LOOKUPS, ...HOSTS, ...PEERS]);
