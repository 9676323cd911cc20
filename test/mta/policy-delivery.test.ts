// From the lines of a policy file to the server that gets the mail, or does not.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { termsFor } from '../../src/mta/policy.ts';
import { parsePolicy } from '../../src/mta/policy-parse.ts';
import type { Terms } from '../../src/mta/terms.ts';
import { type Case, check, EE, EE_OF_OTHER, NOW, one, play } from './deliver-support.ts';

function termsOf(text: string, binding?: string): Terms {
  const parsed = parsePolicy(text);
  if (parsed.kind === 'refused') throw new Error(parsed.problems.map(({ what }) => what).join());
  const domain = Name.parse('example.com');
  return termsFor(parsed.policy, { domain, now: NOW, ...(binding !== undefined && { binding }) });
}

const TWO_LINES = 'dane = {}\nuse_dane = true\n';
const OFFERS = { '192.0.2.1': {} };
const NO_STARTTLS = { '192.0.2.1': { fault: 'no-starttls' } } as const;
const VERIFIED = 'delivered verified mx.example.com 2.0.0';
const ENCRYPTED = 'delivered encrypted mx.example.com 2.0.0';
const CLEAR = 'delivered clear mx.example.com 2.0.0';
const ASKED = ['_25._tcp.mx.example.com.'];

const exceptionUntil = (ms: number): string =>
  `${TWO_LINES}[domain."example.com"]\nexception = { reason = "ticket 4711", expires = ${new Date(ms).toISOString()} }\n`;

const CASES: readonly Case[] = [
  {
    claim: 'S26, S28: the two lines: TLSA is looked up, and the certificate verified by it',
    terms: termsOf(TWO_LINES),
    zones: one(EE),
    hosts: OFFERS,
    expect: VERIFIED,
    tlsaAsked: ASKED,
  },
  {
    claim: 'S12, +1: without them nobody is asked for TLSA',
    terms: termsOf(''),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: ENCRYPTED,
    tlsaAsked: [],
  },
  {
    claim: 'S12: the module alone does not enable DANE',
    terms: termsOf('dane = {}\n'),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: ENCRYPTED,
    tlsaAsked: [],
  },
  {
    claim: 'S21, S22: DANE takes precedence over tls = "no"',
    terms: termsOf(`${TWO_LINES}tls = "no"\n`),
    zones: one(EE),
    hosts: OFFERS,
    expect: VERIFIED,
  },
  {
    claim: 'S6, S15: secure TLSA makes STARTTLS mandatory, whatever tls says',
    terms: termsOf(`${TWO_LINES}tls = "no"\n`),
    zones: one(EE),
    hosts: NO_STARTTLS,
    expect: 'deferred 4.7.4 no-starttls mx.example.com',
  },
  {
    claim: 'S16, S17: a fingerprint that does not match: nothing is transferred',
    terms: termsOf(`${TWO_LINES}tls_verify = "optional"\n`),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
  },
  {
    claim: '+3: without TLSA it is as if DANE were not enabled',
    terms: termsOf(TWO_LINES),
    zones: one(),
    hosts: NO_STARTTLS,
    expect: CLEAR,
  },
  {
    claim: 'P51: use_dane for the domain alone',
    terms: termsOf('dane = {}\nuse_dane = false\n[domain."example.com"]\nuse_dane = true\n'),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
  },
  {
    claim: 'P51: use_dane for another domain alone',
    terms: termsOf('dane = {}\n[domain."example.net"]\nuse_dane = true\n'),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: ENCRYPTED,
    tlsaAsked: [],
  },
  {
    claim: 'P51, +2: enable_dane = false for the binding: looked up and told, not applied',
    terms: termsOf(`${TWO_LINES}[binding.probe]\nenable_dane = false\n`, 'probe'),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: ENCRYPTED,
    tlsaAsked: ASKED,
    overlooked: ['dane-no-match'],
  },
  {
    claim: 'P51: for another binding it is applied',
    terms: termsOf(`${TWO_LINES}[binding.probe]\nenable_dane = false\n`, 'other'),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
  },
  {
    claim: 'audit: what DANE would hold back is told, and delivered',
    terms: termsOf(`${TWO_LINES}dane_audit = true\n`),
    zones: one(EE),
    hosts: NO_STARTTLS,
    expect: CLEAR,
    overlooked: ['no-starttls'],
  },
  {
    claim: 'an exception is audit for its domain',
    terms: termsOf(exceptionUntil(NOW + 1000)),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: ENCRYPTED,
    overlooked: ['dane-no-match'],
  },
  {
    claim: 'an exception that has expired lifts nothing',
    terms: termsOf(exceptionUntil(NOW)),
    zones: one(EE_OF_OTHER),
    hosts: OFFERS,
    expect: 'deferred 4.7.5 dane-no-match mx.example.com',
  },
];
check(CASES);

t.test('S18: mail is held, with a time to try again: when the TLSA records end', async (t) => {
  const zones = {
    'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx 300 TLSA ${EE_OF_OTHER}`],
  };
  const { delivered, net } = await play(t, { zones, hosts: OFFERS, terms: termsOf(TWO_LINES) });
  const [end] = delivered.recipients;
  t.equal(end?.kind, 'deferred');
  const seconds = end?.kind === 'deferred' && ((end.retryAt ?? 0) - net.clock.now()) / 1000;
  t.ok(seconds && seconds > 290 && seconds <= 300, `${seconds} s`);
});
