/** DANE and MTA-STS for one host: who judges, who is left out, and what never rescues. And the certificate that STS wants. */
import t from 'tap';
import type { Attempt, ContactPlan, Met } from '../../src/dane/attempt.ts';
import { type HostPlan, planDelivery } from '../../src/dane/plan.ts';
import { verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import { demandOf } from '../../src/mta/demand.ts';
import type { StsFinding } from '../../src/mta/mta-sts.ts';
import { permit, type Shown } from '../../src/mta/permit.ts';
import { judgeSts, type StsVerdict } from '../../src/mta/sts-certificate.ts';
import { parsePolicy } from '../../src/mta/sts-policy.ts';
import { stanceOf } from '../../src/mta/sts-stance.ts';
import { DEFAULT_TERMS, type Terms } from '../../src/mta/terms.ts';
import {
  type IssuedCertificate,
  issue,
  issueChain,
  tlsaFor,
} from '../../src/testing/certificates.ts';
import { type Certificate, parseCertificate } from '../../src/tls/certificate.ts';
import { fakeLookup, type Internet } from '../dane/fake-lookup.ts';

const NOW = Date.now();
const DAY = 86_400_000;
const MX = Name.parse('mx.example.com');
const CHAIN = issueChain(['mx.example.com']);
const OTHER = issueChain(['other.example.net']);
const EE = tlsaFor(CHAIN, 3, 1, 1);
const UNUSABLE = tlsaFor(CHAIN, 1, 1, 1);
const ONE = { 'MX example.com': ['10 mx.example.com'], 'A mx.example.com': ['192.0.2.1'] };
const TLSA = 'TLSA _25._tcp.mx.example.com';
const with311: Internet = { records: { ...ONE, [TLSA]: [EE] } };
const withUnusable: Internet = { records: { ...ONE, [TLSA]: [UNUSABLE] } };
const without: Internet = { records: ONE };

async function hostOf(internet: Internet): Promise<HostPlan> {
  const plan = await planDelivery(Name.parse('example.com'), fakeLookup(internet).lookup);
  const [host] = plan.kind === 'deliver' ? plan.hosts : [];
  if (!host) throw new Error('no host');
  return host;
}

function policy(mode: string, mx = 'mx.example.com'): StsFinding {
  const text = `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400`;
  const parsed = parsePolicy(new TextEncoder().encode(text), { id: '1', fetchedAt: NOW });
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  return { kind: 'policy', policy: parsed.policy };
}

const VALID: StsVerdict = { kind: 'valid' };
const EXPIRED: StsVerdict = { kind: 'invalid', result: 'certificate-expired' };
const shows = (chain: readonly IssuedCertificate[]): Met => ({
  kind: 'handshake',
  chain: chain.map(({ der }) => der),
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  greeting: '220 mx',
});
const NO_STARTTLS: Met = { kind: 'no-starttls', ehlo: 'not-announced' };

interface Scene {
  readonly internet: Internet;
  readonly sts: StsFinding;
  readonly contact: Met;
  readonly verdict?: StsVerdict;
  readonly terms?: Partial<Terms>;
}

/** `go verified`, `stop certificate-expired`, `skip sts-mx-mismatch`, `not contacted`: what the host comes to. */
async function outcome(scene: Scene): Promise<string> {
  const { internet, sts, contact, verdict } = scene;
  const terms: Terms = { ...DEFAULT_TERMS, useDane: true, ...scene.terms };
  const plan = await hostOf(internet);
  if (plan.tls === 'unreachable') return 'not contacted';
  const route = internet.insecure?.includes('MX example.com') ? 'insecure' : 'secure';
  const stance = stanceOf(sts, terms)(plan.host);
  const demand = demandOf(plan, { terms, wish: 'as-usual', route, sts: stance });
  if (demand.kind === 'skip') return `skip ${demand.why}`;
  const permission = permit(demand, shown(plan, contact, verdict));
  return permission.kind === 'go' ? `go ${permission.protection}` : `stop ${permission.reason}`;
}

function shown(plan: ContactPlan, contact: Met, byRoots: StsVerdict | undefined): Shown {
  const attempt: Attempt = { address: '192.0.2.1', contact, milliseconds: 1 };
  if (contact.kind !== 'handshake') return { plan, layer: 'clear', attempt };
  const more = byRoots ? { byRoots } : {};
  if (plan.tls !== 'authenticate') return { plan, layer: 'tls', attempt, ...more };
  const { records, names } = plan;
  const verdict = verifyPeer({ records, names, chain: contact.chain, now: NOW });
  return { plan, layer: 'tls', attempt: { ...attempt, verdict }, ...more };
}

t.test('P44: MTA-STS enforce and valid, DANE mismatch: failed, STS never rescues', async (t) => {
  const scene = {
    internet: with311,
    sts: policy('enforce'),
    contact: shows(OTHER),
    verdict: VALID,
  };
  t.equal(await outcome(scene), 'stop dane-no-match');
  t.equal(await outcome({ ...scene, contact: NO_STARTTLS }), 'stop no-starttls');
  t.equal(await outcome({ ...scene, sts: policy('testing') }), 'stop dane-no-match');
});

t.test('P45: MTA-STS enforce, TLSA bogus: the host is not contacted, STS or not', async (t) => {
  const internet = { ...with311, bogus: [TLSA] };
  const scene = { internet, sts: policy('enforce'), contact: shows(CHAIN), verdict: VALID };
  t.equal(await outcome(scene), 'not contacted');
});

t.test(
  'P46: MTA-STS enforce, MX not listed, DANE match: skipped by default, used without the filter',
  async (t) => {
    const sts = policy('enforce', '*.example.net');
    const scene = { internet: with311, sts, contact: shows(CHAIN), verdict: VALID };
    t.equal(await outcome(scene), 'skip sts-mx-mismatch');
    const unfiltered = { ...scene, terms: { stsMxFilter: false } };
    t.equal(await outcome(unfiltered), 'go verified');
    for (const internet of [without, withUnusable, { ...with311, insecure: ['MX example.com'] }])
      t.equal(
        await outcome({ ...unfiltered, internet }),
        'skip sts-mx-mismatch',
        'only where DANE proves the host',
      );
    t.equal(await outcome({ ...scene, sts: policy('testing', '*.example.net') }), 'go verified');
  },
);

t.test('P47: MTA-STS testing, no DANE, bad certificate or no TLS: delivered', async (t) => {
  const scene = {
    internet: without,
    sts: policy('testing'),
    contact: shows(OTHER),
    verdict: EXPIRED,
  };
  t.equal(await outcome(scene), 'go encrypted');
  t.equal(await outcome({ ...scene, contact: NO_STARTTLS }), 'go clear');
  t.equal(await outcome({ ...scene, sts: policy('testing', 'other.example') }), 'go encrypted');
});

t.test(
  'P48: TLSA unusable, MTA-STS enforce, good certificate: STS authenticates, STARTTLS stays mandatory',
  async (t) => {
    const scene = {
      internet: withUnusable,
      sts: policy('enforce'),
      contact: shows(CHAIN),
      verdict: VALID,
    };
    t.equal(await outcome(scene), 'go sts');
    t.equal(await outcome({ ...scene, contact: NO_STARTTLS }), 'stop no-starttls');
    t.equal(
      await outcome({ ...scene, verdict: EXPIRED }),
      'stop certificate-expired',
      'decision 40',
    );
  },
);

t.test('S23: the policy applies to MX selection, with DANE or without', async (t) => {
  const sts = policy('enforce', 'other.example');
  for (const internet of [with311, withUnusable, without])
    t.equal(
      await outcome({ internet, sts, contact: shows(CHAIN), verdict: VALID }),
      'skip sts-mx-mismatch',
    );
});

t.test('S24: with usable TLSA records DANE alone judges the certificate', async (t) => {
  const scene = {
    internet: with311,
    sts: policy('enforce'),
    contact: shows(CHAIN),
    verdict: EXPIRED,
  };
  t.equal(await outcome(scene), 'go verified');
  for (const terms of [{ enableDane: false }, { audit: true }])
    t.equal(
      await outcome({ ...scene, terms }),
      'stop certificate-expired',
      'DANE is only looked at',
    );
});

t.test('S25: where STS authenticates, nothing less will do', async (t) => {
  const scene = {
    internet: without,
    sts: policy('enforce'),
    contact: shows(CHAIN),
    verdict: VALID,
  };
  t.equal(await outcome(scene), 'go sts');
  t.equal(await outcome({ ...scene, verdict: EXPIRED }), 'stop certificate-expired');
  t.equal(await outcome({ ...scene, contact: NO_STARTTLS }), 'stop no-starttls');
  const { verdict: _, ...unjudged } = scene;
  t.equal(await outcome(unjudged), 'stop certificate-not-trusted', 'nobody judged it');
  t.equal(
    await outcome({ ...scene, terms: { tls: 'no' } }),
    'go sts',
    'whatever the operator says of tls',
  );
});

t.test('without a policy, or with MTA-STS switched off, nothing changes', async (t) => {
  const scene = { internet: without, contact: NO_STARTTLS };
  const failed: StsFinding = {
    kind: 'failed',
    result: 'sts-policy-fetch-error',
    reason: 'timeout',
  };
  for (const sts of [failed, { kind: 'none' }] as const)
    t.equal(await outcome({ ...scene, sts }), 'go clear');
  t.equal(
    await outcome({ ...scene, sts: policy('enforce'), terms: { mtaSts: 'off' } }),
    'go clear',
  );
  const none = 'version: STSv1\nmode: none\nmax_age: 86400';
  const parsed = parsePolicy(new TextEncoder().encode(none), { id: '1', fetchedAt: NOW });
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  t.equal(await outcome({ ...scene, sts: { kind: 'policy', policy: parsed.policy } }), 'go clear');
});

const rootsOf = (...issued: readonly IssuedCertificate[]): readonly Certificate[] =>
  issued.flatMap(({ der }) => {
    const parsed = parseCertificate(der);
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });
const judge = (chain: readonly IssuedCertificate[], trusted = chain.slice(-1), host = MX) =>
  judgeSts({ chain: chain.map(({ der }) => der), host, roots: rootsOf(...trusted), now: NOW });

t.test(
  'the certificate of an MX host (RFC 8461 section 4.2) and its result types (RFC 8460 section 4.3.1)',
  (t) => {
    const invalid = (result: string) => ({ kind: 'invalid', result });
    const named = (names: readonly string[], more = {}) => issueChain(names, more);
    const expired = named(['mx.example.com'], { notAfter: NOW - DAY });
    const future = named(['mx.example.com'], { notBefore: NOW + DAY });
    t.same(judge(CHAIN), { kind: 'valid' });
    t.same(judge(named(['*.example.com'])), { kind: 'valid' });
    t.same(
      judge(CHAIN.slice(0, 2), CHAIN.slice(2)),
      { kind: 'valid' },
      'the root need not be sent',
    );
    t.same(judge(OTHER), invalid('certificate-host-mismatch'));
    t.same(judge(named(['*.com'])), invalid('certificate-host-mismatch'), 'a wildcard below com');
    t.same(
      judge(named(['example.com'])),
      invalid('certificate-host-mismatch'),
      'the next-hop domain',
    );
    t.same(
      judge(named([], { subject: 'mx.example.com' })),
      invalid('certificate-host-mismatch'),
      'a CN is no DNS-ID',
    );
    t.same(judge(expired), invalid('certificate-expired'));
    t.match(judge(future), {
      ...invalid('validation-failure'),
      reason: 'certificate-not-yet-valid',
    });
    t.match(judge(CHAIN, OTHER.slice(-1)), {
      ...invalid('certificate-not-trusted'),
      reason: /no path/,
    });
    t.match(judge(CHAIN, []), invalid('certificate-not-trusted'), 'nobody is trusted');
    t.match(
      judge(CHAIN.slice(0, 1), CHAIN.slice(2)),
      invalid('certificate-not-trusted'),
      'incomplete',
    );
    const own = issue({ names: ['mx.example.com'] });
    t.match(
      judge([own], [own]),
      invalid('certificate-not-trusted'),
      'no certificate vouches for itself',
    );
    t.match(judge([], CHAIN.slice(-1)), {
      ...invalid('validation-failure'),
      reason: 'no-certificate',
    });
    const broken = judgeSts({
      chain: [Uint8Array.of(48, 3, 1, 2, 3)],
      host: MX,
      roots: [],
      now: NOW,
    });
    t.match(broken, { ...invalid('certificate-not-trusted'), reason: /malformed/ });
    t.end();
  },
);
