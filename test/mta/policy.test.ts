import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { type Policy, termsFor } from '../../src/mta/policy.ts';
import { parsePolicy } from '../../src/mta/policy-parse.ts';
import { DEFAULT_TERMS, type Terms } from '../../src/mta/terms.ts';

function policyOf(text: string): Policy {
  const parsed = parsePolicy(text);
  if (parsed.kind === 'refused') throw new Error(parsed.problems.map(({ what }) => what).join());
  return parsed.policy;
}

const NOW = Date.parse('2026-11-30T00:00:00Z');
interface At {
  readonly domain?: string;
  readonly binding?: string;
  readonly bindingGroup?: string;
  readonly now?: number;
}
const termsAt = (text: string, { domain = 'other.example', now = NOW, ...rest }: At = {}): Terms =>
  termsFor(policyOf(text), { domain: Name.parse(domain), now, ...rest });

const TWO_LINES = 'dane = {}\nuse_dane = true\n';

t.test('S26, S28: two lines enable look-up and verification for all domains', (t) => {
  t.same(termsAt(TWO_LINES), { ...DEFAULT_TERMS, useDane: true, enableDane: true });
  t.equal(termsAt(TWO_LINES, { domain: 'any.test', binding: 'b' }).useDane, true);
  t.end();
});

t.test('S12, +1: without the directive DANE is off, module or not', (t) => {
  t.equal(termsAt('').useDane, false);
  t.equal(termsAt('dane = {}\n').useDane, false);
  t.end();
});

t.test('+2: enable_dane is true unless said otherwise', (t) => {
  t.equal(termsAt(TWO_LINES).enableDane, true);
  t.equal(termsAt(`${TWO_LINES}enable_dane = false\n`).enableDane, false);
  t.end();
});

t.test('P51: DANE for one domain only, and not applied for one binding', (t) => {
  const text = [
    'dane = {}',
    'use_dane = false',
    '[domain."signed.example"]',
    'use_dane = true',
    '[binding.probe]',
    'enable_dane = false',
  ].join('\n');
  const told = ({ useDane, enableDane }: Terms) => ({ useDane, enableDane });
  t.same(told(termsAt(text)), { useDane: false, enableDane: true });
  t.same(told(termsAt(text, { domain: 'signed.example' })), { useDane: true, enableDane: true });
  t.same(told(termsAt(text, { domain: 'signed.example', binding: 'probe' })), {
    useDane: true,
    enableDane: false,
  });
  t.end();
});

/** momentum.md S27: the scopes of `enable_dane`; each beats the ones above it in the table. */
t.test('S27: domain beats binding, binding beats group, group beats global', (t) => {
  const say = (word: string): string => `tls = "${word}"`;
  const sections: readonly [keyof At | 'global', string][] = [
    ['global', ''],
    ['bindingGroup', '[binding_group.g]\n'],
    ['binding', '[binding.b]\n'],
    ['domain', '[domain."d.example"]\n'],
  ];
  const where: At = { domain: 'd.example', binding: 'b', bindingGroup: 'g' };
  // Any two scopes: the wider says no, the narrower says required.
  for (const [wide, [wideScope, wideHeader]] of sections.entries())
    for (const [scope, header] of sections.slice(wide + 1)) {
      const text = `${wideHeader}${say('no')}\n${header}${say('required')}\n`;
      t.equal(termsAt(text, where).tls, 'required', `${scope} beats ${wideScope}`);
      const elsewhere = { ...where, [scope]: scope === 'domain' ? 'x.example' : 'x' };
      t.equal(termsAt(text, elsewhere).tls, 'no', `${wideScope} where no ${scope} speaks`);
    }
  t.end();
});

t.test('S5: the words of tls and tls_verify, each as Momentum has it', (t) => {
  for (const tls of ['no', 'ifavailable', 'required'] as const)
    t.equal(termsAt(`tls = "${tls}"\n`).tls, tls);
  for (const word of ['no', 'ca', 'host', 'optional'] as const)
    t.equal(termsAt(`tls_verify = "${word}"\n`).tlsVerify, word);
  t.same(
    [DEFAULT_TERMS.tls, DEFAULT_TERMS.tlsVerify, DEFAULT_TERMS.tlsIfavailableFallback],
    ['ifavailable', 'no', true],
  );
  t.equal(termsAt('tls_ifavailable_fallback = false\n').tlsIfavailableFallback, false);
  t.end();
});

t.test('S23, P46: MTA-STS and its filter can be switched off, for a binding, too', (t) => {
  const text = '[binding.b]\nmta_sts = false\n[domain."kumo.example"]\nsts_mx_filter = false\n';
  t.same([termsAt(text).mtaSts, termsAt(text).stsMxFilter], ['on', true]);
  t.equal(termsAt(text, { binding: 'b' }).mtaSts, 'off');
  t.equal(termsAt(text, { domain: 'kumo.example' }).stsMxFilter, false);
  t.end();
});

t.test('the options of DANE come to the terms of the verifier', (t) => {
  const text = [
    TWO_LINES,
    'half_dane = "encrypt"',
    'mandatory_dane = true',
    'tls_required_no = "keeps-mandatory"',
    'dane_digests = ["sha2-256", "sha2-512"]',
    'dane_minimum_rsa_bits = 2048',
    'dane_sha1 = "accept"',
  ].join('\n');
  t.same(termsAt(text), {
    ...DEFAULT_TERMS,
    useDane: true,
    halfDane: 'encrypt',
    mandatoryDane: true,
    tlsRequiredNo: 'keeps-mandatory',
    // RFC 6698 section 7.4: SHA2-256 is matching type 1, SHA2-512 is 2.
    digestOrder: [1, 2],
    minimumRsaBits: 2048,
    sha1: 'accept',
  });
  t.end();
});

t.test('an exception holds until it expires, and what it lifts comes back by itself', (t) => {
  const text = `${TWO_LINES}mandatory_dane = true
[domain."broken.example"]
exception = { reason = "ticket 4711", expires = 2026-12-24T12:00:00+01:00 }
`;
  const end = Date.parse('2026-12-24T11:00:00Z');
  const domain = 'broken.example';
  const before = termsAt(text, { domain, now: end - 1 });
  t.same(before.exception, { reason: 'ticket 4711', expires: end });
  t.equal(before.audit, true, 'what fails is reported, and delivered');
  const after = termsAt(text, { domain, now: end });
  t.equal('exception' in after, false);
  t.equal(after.audit, false);
  t.equal(termsAt(text).audit, false, 'other domains');
  t.end();
});

t.test('audit without an exception is audit for as long as it stands there', (t) => {
  const terms = termsAt(`${TWO_LINES}dane_audit = true\n`);
  t.equal(terms.audit, true);
  t.equal('exception' in terms, false);
  t.end();
});

t.test('P33: a domain in its own script is the one that the DNS knows', (t) => {
  const text = '[domain."BÜCHER.example"]\ntls = "required"\n';
  // RFC 3492: bücher is bcher-kva.
  t.equal(termsAt(text, { domain: 'xn--bcher-kva.example' }).tls, 'required');
  t.equal(termsAt('[domain."Mail.EXAMPLE."]\ntls = "no"\n', { domain: 'mail.example' }).tls, 'no');
  t.equal(
    termsAt('[domain."mail.example"]\ntls = "no"\n', { domain: 'a.mail.example' }).tls,
    'ifavailable',
    'and none below it',
  );
  t.end();
});

t.test('S32, +7: settings of the whole', (t) => {
  const text =
    'tlsa_expire_interval = 120\nmin_dns_ttl = 30\nmax_dns_ttl = 3600\ndns_rate_limit_enabled = true\ndns_rate_limit_mx_queries = 50\ndns_rate_limit_period = 2\ndns_rate_limit_max_queue = 0\n';
  t.same(policyOf(text).settings, {
    tlsaExpireInterval: 120,
    minDnsTtl: 30,
    maxDnsTtl: 3600,
    dnsRateLimitEnabled: true,
    dnsRateLimitMxQueries: 50,
    dnsRateLimitPeriod: 2,
    dnsRateLimitMaxQueue: 0,
    debugFlags: new Map(),
  });
  t.equal(policyOf('').settings.tlsaExpireInterval, 3600, "Momentum's default");
  t.end();
});

t.test('S33: debug flags, each level with its subsystems', (t) => {
  const { settings } = policyOf('[debug_flags]\nWARNING = ["DANE"]\nDEBUG = ["DNS", "DANE"]\n');
  t.same(
    [...settings.debugFlags],
    [
      ['WARNING', ['DANE']],
      ['DEBUG', ['DNS', 'DANE']],
    ],
  );
  t.end();
});

t.test('+8: fully_resolve_before_smtp is how it always is, in all scopes', (t) => {
  const line = 'fully_resolve_before_smtp = true\n';
  const text = `${line}[binding.b]\n${line}[binding_group.g]\n${line}[domain."a.example"]\n${line}`;
  t.same(termsAt(text), DEFAULT_TERMS);
  t.end();
});
