/**
 * The column TLSRPT of the decision table, one row a test: what a delivery reports. Plans come of the planner, certificates
 * and TLSA records are made to order, connections are described.
 */
import t from 'tap';
import type { Attempt, Met as Contacted, ContactPlan } from '../../src/dane/attempt.ts';
import {
  type DeliveryPlan,
  type HostPlan,
  type PlanOptions,
  planDelivery,
} from '../../src/dane/plan.ts';
import { verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import type { Fault } from '../../src/dnssec/outcome.ts';
import type { FailureReason } from '../../src/dnssec/reason.ts';
import type { StsFinding } from '../../src/mta/mta-sts.ts';
import { type Circumstances, type Met, sessionsOf } from '../../src/mta/sessions.ts';
import type { StsVerdict } from '../../src/mta/sts-certificate.ts';
import { parsePolicy } from '../../src/mta/sts-policy.ts';
import type { TlsSession } from '../../src/mta/tlsrpt.ts';
import { issueChain, tlsaFor } from '../../src/testing/certificates.ts';
import { fakeLookup, type Internet } from '../dane/fake-lookup.ts';

const DOMAIN = Name.parse('example.com');
const NOW = Date.now();
const DAY = 86_400_000;
const CHAIN = issueChain(['mx.example.com']);
const OTHER = issueChain(['other.example.net']);
const EXPIRED = issueChain(['mx.example.com'], { notAfter: NOW - DAY });
const FUTURE = issueChain(['mx.example.com'], { notBefore: NOW + DAY });
const EE = tlsaFor(CHAIN, 3, 1, 1);
const UNUSABLE = tlsaFor(CHAIN, 1, 1, 1);
const TLSA = 'TLSA _25._tcp.mx.example.com';
const ONE = { 'MX example.com': ['10 mx.example.com'], 'A mx.example.com': ['192.0.2.1'] };
const one = (...tlsa: readonly string[]): Internet => ({
  records: tlsa.length > 0 ? { ...ONE, [TLSA]: tlsa } : ONE,
});
const insecureMx = (...tlsa: readonly string[]): Internet => ({
  ...one(...tlsa),
  insecure: ['MX example.com'],
});

const NONE: StsFinding = { kind: 'none' };
const LINES = ['version: STSv1', 'mode: enforce', 'mx: mx.example.com', 'max_age: 86400'];
const policyOf = (lines: readonly string[]): StsFinding => {
  const parsed = parsePolicy(new TextEncoder().encode(lines.join('\n')), {
    id: '1',
    fetchedAt: NOW,
  });
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  return { kind: 'policy', policy: parsed.policy };
};
const ENFORCED = policyOf(LINES);

const plan = (internet: Internet, options?: PlanOptions): Promise<DeliveryPlan> =>
  planDelivery(DOMAIN, fakeLookup(internet).lookup, options);
async function hostOf(internet: Internet, options?: PlanOptions): Promise<HostPlan> {
  const made = await plan(internet, options);
  const [host] = made.kind === 'deliver' ? made.hosts : [];
  if (!host) throw new Error(`no host, but ${made.kind}`);
  return host;
}

const report = (met: Met, circumstances: Partial<Circumstances> = {}) =>
  sessionsOf(met, { domain: DOMAIN, sts: NONE, at: NOW, ...circumstances });

/** `tlsa mx.example.com success`, `sts example.com validation-failure mx-mismatch`. */
const brief = (sessions: readonly TlsSession[]): string[] =>
  sessions.map(({ policyType, policyDomain, result, reasonCode }) =>
    [policyType, policyDomain, result, ...(reasonCode === undefined ? [] : [reasonCode])].join(' '),
  );

type Chain = readonly { readonly der: Uint8Array }[];
const shows = (chain: Chain): Contacted => ({
  kind: 'handshake',
  chain: chain.map(({ der }) => der),
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  greeting: '220 mx',
});

function attempt(host: HostPlan, contact: Contacted, address = '192.0.2.1'): Attempt {
  if (host.tls !== 'authenticate' || contact.kind !== 'handshake')
    return { address, contact, milliseconds: 1 };
  const { records, names } = host;
  const verdict = verifyPeer({ records, names, chain: contact.chain, now: NOW });
  return { address, contact, verdict, milliseconds: 1 };
}

/** What is reported where the one host of `internet` does this. */
async function meeting(
  internet: Internet,
  contact: Contacted,
  circumstances: Partial<Circumstances> = {},
  more: { stsVerdict?: StsVerdict; sendingIp?: string; address?: string } = {},
  options?: PlanOptions,
): Promise<readonly TlsSession[]> {
  const host = await hostOf(internet, options);
  if (host.tls === 'unreachable') return report({ kind: 'unreachable', plan: host }, circumstances);
  const { address, ...rest } = more;
  const met: Met = {
    kind: 'attempt',
    plan: host as ContactPlan,
    attempt: attempt(host, contact, address),
    ...rest,
  };
  return report(met, circumstances);
}
const told = async (...args: Parameters<typeof meeting>) => brief(await meeting(...args));

const NO_STARTTLS: Contacted = { kind: 'no-starttls', ehlo: 'not-announced' };
const ALERT: Contacted = {
  kind: 'handshake-failed',
  code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  why: 'sslv3 alert handshake failure',
};
const VALID: StsVerdict = { kind: 'valid' };
const UNTRUSTED: StsVerdict = {
  kind: 'invalid',
  result: 'certificate-not-trusted',
  reason: 'no path to a trusted root',
};

const faulty = (owner: string, type: Fault['type'] = 'TLSA'): Fault => ({
  zone: DOMAIN,
  owner: Name.parse(owner),
  type,
});
const deferred = (why: FailureReason): Met => ({
  kind: 'no-hosts',
  plan: { kind: 'defer', why, fault: faulty('example.com', 'MX') },
});

t.test(
  'decision 1: TLSRPT no-policy-found with validation-failure ede-N, for DNSSEC errors alone',
  (t) => {
    // RFC 8914: 6 DNSSEC Bogus, 7 Signature Expired, 9 DNSKEY Missing, 10 RRSIGs Missing, 11 No Zone Key Bit Set, 12 NSEC Missing.
    const cases: [FailureReason, number][] = [
      ['signature-invalid', 6],
      ['signature-expired', 7],
      ['signature-not-yet-valid', 8],
      ['dnskey-missing', 9],
      ['rrsigs-missing', 10],
      ['signing-key-unusable', 11],
      ['denial-missing', 12],
    ];
    for (const [why, ede] of cases)
      t.same(brief(report(deferred(why))), [
        `no-policy-found example.com validation-failure ede-${ede}`,
      ]);
    for (const why of ['unreachable', 'network-error', 'budget-spent', 'alias-loop'] as const)
      t.same(report(deferred(why)), [], why);
    t.end();
  },
);

t.test('decision 2: TLSRPT nothing for a null MX', async (t) => {
  const refused = await plan({ records: { 'MX example.com': ['0 .'] } });
  if (refused.kind === 'deliver') throw new Error('a host');
  t.same(report({ kind: 'no-hosts', plan: refused }), []);
});

t.test('decision 3: TLSRPT nothing where there is no such domain', async (t) => {
  const refused = await plan({ records: {}, absent: ['example.com'] });
  if (refused.kind === 'deliver') throw new Error('a host');
  t.same(report({ kind: 'no-hosts', plan: refused }), []);
});

t.test('decision 4: TLSRPT no-policy-found, under which the session is counted', async (t) => {
  t.same(await told(insecureMx(), shows(OTHER)), ['no-policy-found example.com success']);
  t.same(await told(insecureMx(), NO_STARTTLS), [
    'no-policy-found example.com starttls-not-supported',
  ]);
  const [session] = await meeting(insecureMx(), shows(OTHER), {}, { sendingIp: '198.51.100.1' });
  t.same(session, {
    policyType: 'no-policy-found',
    policyDomain: 'example.com',
    policyStrings: [],
    reportDomain: 'example.com',
    result: 'success',
    sendingIp: '198.51.100.1',
    receivingIp: '192.0.2.1',
    receivingMx: 'mx.example.com',
    at: NOW,
  });
  const required = await plan({ records: ONE, insecure: ['MX example.com'] }, { mandatory: true });
  if (required.kind === 'deliver') throw new Error('a host');
  t.same(
    brief(report({ kind: 'no-hosts', plan: required })),
    ['no-policy-found example.com dane-required'],
    'M',
  );
});

t.test('decision 5: TLSRPT success for half-DANE that matches', async (t) => {
  t.same(await told(insecureMx(EE), shows(CHAIN)), ['tlsa mx.example.com success']);
  t.same(await told(insecureMx(EE), shows(OTHER)), [
    'tlsa mx.example.com validation-failure dane-no-match',
  ]);
});

t.test('decision 6: TLSRPT no-policy-found for half-DANE that encrypts only', async (t) => {
  const found = await told(insecureMx(EE), shows(OTHER), {}, {}, { halfDane: 'encrypt' });
  t.same(found, ['no-policy-found example.com success']);
});

t.test('decision 7: TLSRPT no-policy-found where half-DANE is not asked for', async (t) => {
  const found = await told(insecureMx(EE), shows(OTHER), {}, {}, { halfDane: 'may' });
  t.same(found, ['no-policy-found example.com success']);
});

t.test('decision 8: TLSRPT nothing for a host without address', async (t) => {
  t.same(await told({ records: { 'MX example.com': ['10 mx.example.com'] } }, shows(CHAIN)), []);
});

t.test('decision 9: TLSRPT as row 1 where addresses are bogus', async (t) => {
  const bogus = { records: ONE, bogus: ['A mx.example.com'] };
  t.same(await told(bogus, shows(CHAIN)), ['no-policy-found example.com validation-failure ede-6']);
  t.same(await told({ records: ONE, unreachable: ['A mx.example.com'] }, shows(CHAIN)), []);
});

t.test('decision 10: TLSRPT no-policy-found for insecure addresses', async (t) => {
  const internet = { ...one(EE), insecure: ['A mx.example.com'] };
  t.same(await told(internet, shows(OTHER)), ['no-policy-found example.com success']);
  const required = await told(internet, shows(OTHER), {}, {}, { mandatory: true });
  t.same(required, ['no-policy-found example.com dane-required'], 'M');
});

t.test(
  'decision 15: TLSRPT dnssec-invalid with an empty policy-string and ede-N; nothing for timeouts',
  async (t) => {
    const [session, second] = await meeting({ ...one(EE), bogus: [TLSA] }, shows(CHAIN));
    t.equal(second, undefined);
    t.match(session, {
      policyType: 'tlsa',
      policyDomain: 'mx.example.com',
      policyStrings: { length: 0 },
      result: 'dnssec-invalid',
      reasonCode: 'ede-6',
      receivingMx: 'mx.example.com',
    });
    const host = await hostOf({ ...one(EE), unreachable: [TLSA] });
    if (host.tls !== 'unreachable' || !('fault' in host)) throw new Error('reachable');
    const said = (...words: string[]) => {
      const servers = words.map((word) => ({ ip: '192.0.2.53', said: word }));
      const fault: Fault = { ...host.fault, detail: { kind: 'servers', servers } };
      return brief(report({ kind: 'unreachable', plan: { ...host, fault } }));
    };
    t.same(said('timeout', 'timeout'), []);
    t.same(said('timeout', 'refused'), ['tlsa mx.example.com dnssec-invalid ede-22']);
    t.same(said('servfail'), ['tlsa mx.example.com dnssec-invalid ede-22']);
  },
);

t.test(
  'decision 13, decision 15: TLSRPT names the TLSA base domain whose records could not be had',
  async (t) => {
    const host = await hostOf({ ...one(EE), bogus: [TLSA] });
    if (host.tls !== 'unreachable' || !('fault' in host)) throw new Error('reachable');
    const at = (owner: string) =>
      brief(report({ kind: 'unreachable', plan: { ...host, fault: faulty(owner) } }));
    t.same(at('_25._tcp.real.example.net'), ['tlsa real.example.net dnssec-invalid ede-6']);
    t.same(
      at('elsewhere.example'),
      ['tlsa mx.example.com dnssec-invalid ede-6'],
      'an alias led away',
    );
  },
);

t.test('decision 16: TLSRPT no-policy-found where there are no TLSA records', async (t) => {
  t.same(await told(one(), shows(OTHER)), ['no-policy-found example.com success']);
  t.same(await told(one(), NO_STARTTLS), ['no-policy-found example.com starttls-not-supported']);
  t.same(
    await told(one(), NO_STARTTLS, {}, {}, { mandatory: true }),
    ['no-policy-found example.com dane-required'],
    'M',
  );
});

t.test('decision 17: TLSRPT no-policy-found where the TLSA records are insecure', async (t) => {
  t.same(await told({ ...one(EE), insecure: [TLSA] }, shows(OTHER)), [
    'no-policy-found example.com success',
  ]);
});

t.test('decision 18: TLSRPT tlsa-invalid, although delivered', async (t) => {
  const want = ['tlsa mx.example.com tlsa-invalid all-tlsa-records-unusable'];
  t.same(await told(one(UNUSABLE), shows(OTHER)), want);
  t.same(await told(one(UNUSABLE), shows(OTHER), {}, {}, { mandatory: true }), want, 'M');
});

t.test('decision 19: TLSRPT starttls-not-supported', async (t) => {
  t.same(await told(one(UNUSABLE), NO_STARTTLS), ['tlsa mx.example.com starttls-not-supported']);
});

t.test('decision 20: TLSRPT validation-failure', async (t) => {
  const want = 'tlsa mx.example.com validation-failure ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE';
  t.same(await told(one(UNUSABLE), ALERT), [want]);
});

t.test(
  'decision 21: TLSRPT starttls-not-supported, with the records as RFC 8460 section 4.5 has them',
  async (t) => {
    const [session] = await meeting(one(EE), NO_STARTTLS);
    t.match(session, { policyType: 'tlsa', result: 'starttls-not-supported' });
    t.match(session?.policyStrings, [/^3 1 1 [0-9a-f]{64}$/]);
    t.equal(session?.policyStrings[0]?.toLowerCase(), EE.toLowerCase());
  },
);

t.test('decision 22: TLSRPT starttls-not-supported where only HELO is known', async (t) => {
  const contact = { kind: 'no-starttls', ehlo: 'rejected' } as const;
  t.same(await told(one(EE), contact), ['tlsa mx.example.com starttls-not-supported']);
});

t.test('decision 23: TLSRPT starttls-not-supported with the reply code', async (t) => {
  const contact = { kind: 'starttls-refused', code: 454, text: 'not now' } as const;
  const want = 'tlsa mx.example.com starttls-not-supported smtp-starttls-reply-code-454';
  t.same(await told(one(EE), contact), [want]);
});

t.test('decision 24: TLSRPT validation-failure for injected text', async (t) => {
  t.match(await meeting(one(EE), { kind: 'injected' }), [{ result: 'validation-failure' }]);
});

t.test(
  'decision 25: TLSRPT validation-failure with the alert; a handshake that breaks off counts, a timeout does not',
  async (t) => {
    const want = 'tlsa mx.example.com validation-failure ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE';
    t.same(await told(one(EE), ALERT), [want]);
    const noCode = { kind: 'handshake-failed', code: 'EIO', why: 'no\r\nciphers' } as const;
    t.same(await told(one(EE), noCode), ['tlsa mx.example.com validation-failure no ciphers']);
    const closed = { kind: 'closed', during: 'handshake' } as const;
    t.match(await meeting(one(EE), closed), [{ result: 'validation-failure' }]);
    const silent: Contacted[] = [
      { kind: 'timeout', during: 'handshake' },
      { kind: 'timeout', during: 'connect' },
      { kind: 'closed', during: 'greeting' },
      { kind: 'connect-failed', code: 'ECONNREFUSED' },
      { kind: 'smtp-refused', during: 'greeting', code: 554, text: 'no' },
    ];
    for (const contact of silent) t.same(await told(one(EE), contact), [], contact.kind);
    const long = { kind: 'handshake-failed', code: 'EIO', why: 'x'.repeat(10_000) } as const;
    t.equal((await meeting(one(EE), long))[0]?.reasonCode?.length, 200, 'and is short');
  },
);

t.test('decision 26: TLSRPT success for 3 1 1', async (t) => {
  t.same(await told(one(EE), shows(CHAIN)), ['tlsa mx.example.com success']);
});

t.test('decision 27: TLSRPT success for 2 0 1', async (t) => {
  t.same(await told(one(tlsaFor(CHAIN, 2, 0, 1)), shows(CHAIN)), ['tlsa mx.example.com success']);
});

t.test('decision 28: TLSRPT certificate-host-mismatch', async (t) => {
  const found = await told(one(tlsaFor(OTHER, 2, 0, 1)), shows(OTHER));
  t.same(found, ['tlsa mx.example.com certificate-host-mismatch']);
});

t.test(
  'decision 29: TLSRPT certificate-expired, or validation-failure before its time',
  async (t) => {
    const expired = await told(one(tlsaFor(EXPIRED, 2, 0, 1)), shows(EXPIRED));
    t.same(expired, ['tlsa mx.example.com certificate-expired']);
    const early = await told(one(tlsaFor(FUTURE, 2, 0, 1)), shows(FUTURE));
    t.same(early, ['tlsa mx.example.com validation-failure certificate-not-yet-valid']);
  },
);

t.test('decision 30: TLSRPT certificate-not-trusted where the anchor is not sent', async (t) => {
  const found = await told(one(tlsaFor(CHAIN, 2, 0, 1)), shows(CHAIN.slice(0, 2)));
  t.same(found, ['tlsa mx.example.com certificate-not-trusted dane-ta-missing-from-chain']);
});

t.test('decision 31: TLSRPT validation-failure dane-no-match, or as Postfix says it', async (t) => {
  t.same(await told(one(EE), shows(OTHER)), [
    'tlsa mx.example.com validation-failure dane-no-match',
  ]);
  const likePostfix = await told(one(EE), shows(OTHER), { noMatch: 'certificate-not-trusted' });
  t.same(likePostfix, ['tlsa mx.example.com certificate-not-trusted dane-no-match']);
});

t.test('decision 32: TLSRPT validation-failure no-certificate', async (t) => {
  t.same(await told(one(EE), shows([])), ['tlsa mx.example.com validation-failure no-certificate']);
});

t.test('decision 33: TLSRPT one entry for each receiving address', async (t) => {
  const entries = [
    ...(await meeting(one(EE), shows(OTHER), {}, { address: '192.0.2.1' })),
    ...(await meeting(one(EE), shows(CHAIN), {}, { address: '2001:db8::1' })),
  ];
  t.same(
    entries.map(({ receivingIp, result }) => `${receivingIp} ${result}`),
    ['192.0.2.1 validation-failure', '2001:db8::1 success'],
  );
});

t.test(
  'decision 37: TLSRPT (a) sts validation-failure mx-mismatch; (b) tlsa success beside sts certificate-*',
  async (t) => {
    const elsewhere = policyOf(
      LINES.map((line) => line.replace('mx.example.com', 'other.example.com')),
    );
    const skipped = report(
      { kind: 'mx-mismatch', plan: await hostOf(one(EE)) },
      { sts: elsewhere },
    );
    t.same(brief(skipped), ['sts example.com validation-failure mx-mismatch']);
    t.match(skipped, [{ mxHosts: ['other.example.com'], receivingMx: 'mx.example.com' }]);
    const both = await meeting(one(EE), shows(CHAIN), { sts: ENFORCED }, { stsVerdict: UNTRUSTED });
    t.same(brief(both), [
      'tlsa mx.example.com success',
      'sts example.com certificate-not-trusted no path to a trusted root',
    ]);
    t.same(both[1]?.policyStrings, LINES);
  },
);

t.test('decision 38: TLSRPT the tlsa failure, and sts success as second policy', async (t) => {
  const found = await told(one(EE), shows(OTHER), { sts: ENFORCED }, { stsVerdict: VALID });
  t.same(found, [
    'tlsa mx.example.com validation-failure dane-no-match',
    'sts example.com success',
  ]);
});

t.test('decision 39: TLSRPT as row 15', async (t) => {
  const found = await told({ ...one(EE), bogus: [TLSA] }, shows(CHAIN), { sts: ENFORCED });
  t.same(found, ['tlsa mx.example.com dnssec-invalid ede-6']);
});

t.test('decision 40: TLSRPT tlsa-invalid, and sts certificate-*', async (t) => {
  const stsVerdict: StsVerdict = { kind: 'invalid', result: 'certificate-expired' };
  const found = await told(one(UNUSABLE), shows(OTHER), { sts: ENFORCED }, { stsVerdict });
  t.same(found, [
    'tlsa mx.example.com tlsa-invalid all-tlsa-records-unusable',
    'sts example.com certificate-expired',
  ]);
});

t.test('decision 44: TLSRPT failures are reported although delivered', async (t) => {
  // TLS-Required: No changes what is done, not what was met: the plan and the verdict are the same.
  t.same(await told(one(EE), shows(OTHER)), [
    'tlsa mx.example.com validation-failure dane-no-match',
  ]);
  t.same(await told({ ...one(EE), bogus: [TLSA] }, shows(OTHER)), [
    'tlsa mx.example.com dnssec-invalid ede-6',
  ]);
});

t.test('decision 45: TLSRPT nothing about mail that carries a report', async (t) => {
  t.same(await told(one(EE), shows(OTHER), { purpose: 'tls-report' }), []);
  t.same(report(deferred('signature-invalid'), { purpose: 'tls-report' }), []);
});

t.test(
  'under an MTA-STS policy alone, sessions are its own, and failures are told as for DANE',
  async (t) => {
    const sts = ENFORCED;
    t.same(await told(one(), shows(CHAIN), { sts }, { stsVerdict: VALID }), [
      'sts example.com success',
    ]);
    t.same(await told(one(), NO_STARTTLS, { sts }), ['sts example.com starttls-not-supported']);
    t.same(brief(report(deferred('signature-invalid'), { sts })), [
      'sts example.com validation-failure ede-6',
    ]);
  },
);

t.test('what was wrong with the policy host is reported by itself (RFC 8461 section 6)', (t) => {
  const failed: StsFinding = {
    kind: 'failed',
    result: 'sts-webpki-invalid',
    reason: 'CERT_HAS_EXPIRED',
  };
  t.same(brief(report({ kind: 'sts' }, { sts: failed })), [
    'sts example.com sts-webpki-invalid CERT_HAS_EXPIRED',
  ]);
  if (ENFORCED.kind !== 'policy') throw new Error('no policy');
  const trouble = { result: 'sts-policy-fetch-error', reason: 'ECONNREFUSED' } as const;
  const kept = report({ kind: 'sts' }, { sts: { ...ENFORCED, trouble } });
  t.same(brief(kept), ['sts example.com sts-policy-fetch-error ECONNREFUSED']);
  t.same(kept[0]?.policyStrings, LINES);
  t.same(report({ kind: 'sts' }, { sts: ENFORCED }), []);
  t.same(report({ kind: 'sts' }), []);
  t.end();
});
