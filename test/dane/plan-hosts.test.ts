// Cases of ../shared/spec/dane-cases.md section 5b about which hosts there are and under which names: real resolver and
// validator on an internet in memory, real servers on loopback where the case is about the peer.
import t, { type Test } from 'tap';
import { parseNextHop } from '../../src/dane/next-hop.ts';
import { planNextHop } from '../../src/dane/plan.ts';
import { corruptSignatures, servfail, type Zones } from '../../src/testing/index.ts';
import { plain } from './fake-lookup.ts';
import { I, L, server, U } from './matcher-support.ts';
import {
  checked,
  EE,
  open,
  planned,
  type Servers,
  show,
  TA,
  tlsaAsked,
  told,
  UNUSABLE,
  WRONG,
  words,
} from './plan-support.ts';

const MX = '@ MX 10 mx';
const ORIGINAL = '_25._tcp.mx.example.com';
const EXPANDED = '_25._tcp.host.example.net';
/** The mail host is an alias of one in another zone. */
const aliased = (original: readonly string[], target: readonly string[]): Zones => ({
  'example.com': [MX, 'mx CNAME host.example.net.', ...original.map((rr) => `_25._tcp.mx ${rr}`)],
  'example.net': ['host A 192.0.2.1', ...target.map((rr) => `_25._tcp.host ${rr}`)],
});
const asOriginal = ['mx.example.com: authenticate mx.example.com as mx.example.com example.com'];
const asExpanded = [
  'mx.example.com: authenticate host.example.net as host.example.net example.com',
];
const at = (...chain: Servers[string]['chain']): Servers => ({ '192.0.2.1': { chain } });
/** Certificates that the authority I has issued to somebody. */
const issuedTo = (...names: readonly string[]) => [server(I, { names }), I] as const;

/** The name by which the host was greeted in TLS, and the verdict. */
async function met(test: Test, zones: Zones, servers: Servers): Promise<string> {
  return told(await checked(test, { zones }, servers));
}

t.test('P10: an alias with TLSA at both names: the expanded one', async (t) => {
  const zones = aliased([WRONG], [TA]);
  const { words, tlsaAsked } = await planned({ zones });
  t.same(words, asExpanded);
  t.same([...tlsaAsked].sort(), [ORIGINAL, EXPANDED].sort());
  t.equal(
    await met(t, zones, at(...issuedTo('host.example.net'))),
    'deliver-authenticated mx.example.com tlsa-matches',
  );
  t.equal(
    await met(t, zones, at(...issuedTo('mx.example.com'))),
    'defer mx.example.com certificate-host-mismatch 4.7.5',
    'the original is no name of it',
  );
});

t.test('P11: an alias with TLSA at the original name only', async (t) => {
  const zones = aliased([TA], []);
  t.same(await words({ zones }), asOriginal);
  t.equal(
    await met(t, zones, at(...issuedTo('mx.example.com'))),
    'deliver-authenticated mx.example.com tlsa-matches',
  );
  t.equal(
    await met(t, zones, at(...issuedTo('host.example.net'))),
    'defer mx.example.com certificate-host-mismatch 4.7.5',
  );
});

t.test(
  'P12: the TLSA look-up at the expanded name fails: the original is not consulted',
  async (t) => {
    const zones = aliased([EE], [EE]);
    const broken = { zones, amend: { 'example.net': [servfail('TLSA')] } };
    const out = ['mx.example.com: unreachable unreachable (tlsa)'];
    t.same(await words(broken), out);
    const result = await checked(t, broken, at(L, I));
    t.equal(told(result), 'defer mx.example.com unreachable 4.7.5');
    t.same(result.probes?.[0]?.attempts.length, 0, 'nobody is contacted');
  },
);

t.test(
  'P13: TLSA at the expanded name, all unusable: encrypt, the original is not consulted',
  async (t) => {
    const zones = aliased([WRONG], [UNUSABLE]);
    t.same(await words({ zones }), ['mx.example.com: encrypt tlsa-unusable']);
    t.equal(await met(t, zones, at(U)), 'deliver-encrypted mx.example.com tlsa-unusable');
  },
);

t.test('P14: a secure alias into an unsigned zone: DANE at the original name', async (t) => {
  const zones: Zones = {
    ...aliased([TA], []),
    'example.net': { records: ['host A 192.0.2.1', `_25._tcp.host ${WRONG}`], signing: 'unsigned' },
  };
  const { words, tlsaAsked } = await planned({ zones });
  t.same(words, asOriginal);
  t.same(tlsaAsked, [ORIGINAL], 'the unsigned zone is not asked');
  t.equal(
    await met(t, zones, at(...issuedTo('mx.example.com'))),
    'deliver-authenticated mx.example.com tlsa-matches',
  );
});

t.test('P15: an insecure alias to a signed host with TLSA: opportunistic', async (t) => {
  const zones: Zones = {
    'example.com': ['@ MX 10 mx.plain.net.'],
    'plain.net': { records: ['mx CNAME host.example.net.'], signing: 'unsigned' },
    'example.net': ['host A 192.0.2.1', `_25._tcp.host ${WRONG}`],
  };
  const { words, net } = await planned({ zones });
  t.same(words, ['mx.plain.net: opportunistic insecure-address (no-ds-proven)']);
  t.same(tlsaAsked(net), []);
  t.equal(
    await met(t, zones, at(U)),
    'deliver-opportunistically tls mx.plain.net insecure-address',
  );
});

t.test('P16: TLSA only at a name in the middle of the chain: none', async (t) => {
  const zones: Zones = {
    'example.com': [
      MX,
      'mx CNAME middle',
      'middle CNAME host.example.net.',
      `_25._tcp.middle ${WRONG}`,
    ],
    'example.net': ['host A 192.0.2.1'],
  };
  const { words, tlsaAsked } = await planned({ zones });
  t.same(words, ['mx.example.com: opportunistic no-tlsa']);
  t.notOk(tlsaAsked.includes('_25._tcp.middle.example.com'), 'and it is not asked');
});

t.test('P17: a DNAME above the host is as an alias', async (t) => {
  const zones: Zones = {
    'example.com': ['@ MX 10 mx.old', 'old DNAME new.example.net.'],
    'example.net': ['mx.new A 192.0.2.1', `_25._tcp.mx.new ${TA}`],
  };
  t.same(await words({ zones }), [
    'mx.old.example.com: authenticate mx.new.example.net as mx.new.example.net example.com',
  ]);
  t.equal(
    await met(t, zones, at(...issuedTo('mx.new.example.net'))),
    'deliver-authenticated mx.old.example.com tlsa-matches',
  );
  const forged = { zones, amend: { 'example.com': [corruptSignatures('DNAME')] } };
  t.same(await words(forged), ['mx.old.example.com: unreachable signature-invalid (addresses)']);
});

t.test('P21: no MX, securely denied: the domain is its own host', async (t) => {
  const zones: Zones = { 'example.com': ['@ A 192.0.2.1', `_25._tcp ${TA}`] };
  t.same(await words({ zones }), ['example.com: authenticate example.com as example.com']);
  t.equal(
    await met(t, zones, at(...issuedTo('example.com'))),
    'deliver-authenticated example.com tlsa-matches',
  );
});

t.test('P22: no MX by an insecure denial: half-DANE', async (t) => {
  const zones: Zones = {
    'example.com': {
      records: ['@ A 192.0.2.1', `_25._tcp ${EE}`],
      signing: { denial: { iterations: 51 } },
    },
  };
  const half = ['example.com: half-dane example.com as example.com'];
  t.same(await words({ zones }), half);
  t.same(await words({ zones, terms: { halfDane: 'encrypt' } }), [
    'example.com: encrypt half-dane',
  ]);
  const may = await planned({ zones, terms: { halfDane: 'may' } });
  t.match(may.words, [/^example\.com: opportunistic insecure-mx /]);
  t.same(may.tlsaAsked, []);
  t.same(await words({ zones, terms: { mandatory: true } }), ['defer dane-required: insecure-mx']);
  t.equal(await met(t, zones, at(L, I)), 'deliver-half-dane example.com half-dane');
});

t.test('P23: no MX, and the domain is an alias: candidates are target and domain', async (t) => {
  const zone = (own: readonly string[], target: readonly string[]): Zones => ({
    com: [],
    'www.com': ['mail CNAME host.example.net.', ...own.map((rr) => `_25._tcp.mail ${rr}`)],
    'example.net': ['host A 192.0.2.1', ...target.map((rr) => `_25._tcp.host ${rr}`)],
  });
  const domain = 'mail.www.com';
  const atTarget = { zones: zone([WRONG], [TA]), domain };
  t.same(await words(atTarget), [
    'mail.www.com: authenticate host.example.net as host.example.net mail.www.com',
  ]);
  for (const name of ['host.example.net', domain])
    t.equal(
      told(await checked(t, atTarget, at(...issuedTo(name)))),
      'deliver-authenticated mail.www.com tlsa-matches',
      name,
    );
  const atDomain = { zones: zone([TA], []), domain };
  t.same(await words(atDomain), ['mail.www.com: authenticate mail.www.com as mail.www.com']);
  t.equal(
    told(await checked(t, atDomain, at(...issuedTo('host.example.net')))),
    'defer mail.www.com certificate-host-mismatch 4.7.5',
    'the domain alone',
  );
});

/** RFC 7672 section 3.2.2, with addresses, and other digests. */
const RFC_EXAMPLE: Zones = {
  'example.org': ['exchange CNAME mail', 'mail CNAME example.com.'],
  'example.com': [
    ...['@ MX 10 mx10', '@ MX 15 mx15', '@ MX 20 mx20'],
    ...['mx10 A 192.0.2.10', `_25._tcp.mx10 ${TA}`],
    ...['mx15 CNAME mxbackup', 'mxbackup A 192.0.2.15', `_25._tcp.mx15 ${TA}`],
    'mx20 CNAME mxbackup.example.net.',
  ],
  'example.net': ['mxbackup A 198.51.100.20', `_25._tcp.mxbackup ${TA}`],
};

t.test('P24: the example of RFC 7672 section 3.2.2, with its names', async (t) => {
  const one = { zones: RFC_EXAMPLE, domain: 'exchange.example.org' };
  t.same(await words(one), [
    'mx10.example.com: authenticate mx10.example.com as mx10.example.com exchange.example.org example.com',
    'mx15.example.com: authenticate mx15.example.com as mx15.example.com exchange.example.org example.com',
    'mx20.example.com: authenticate mxbackup.example.net as mxbackup.example.net exchange.example.org example.com',
  ]);
  // Each name that the RFC lists will do at each server, and no other that appears on the way.
  const right: Readonly<Record<string, string>> = {
    'mx10.example.com': '192.0.2.10',
    'mx15.example.com': '192.0.2.15',
    'mxbackup.example.net': '198.51.100.20',
  };
  for (const [base, ip] of Object.entries(right)) {
    for (const name of [base, 'exchange.example.org', 'example.com']) {
      const result = await checked(t, one, { [ip]: { chain: issuedTo(name) } });
      t.match(told(result), /^deliver-authenticated mx\d\d\.example\.com /, `${name} at ${ip}`);
    }
    const middle = ['mail.example.org', 'mxbackup.example.com', 'mx20.example.com'];
    const result = await checked(t, one, { [ip]: { chain: issuedTo(...middle) } });
    t.match(told(result), /^defer .* certificate-host-mismatch 4\.7\.5$/, `${middle} at ${ip}`);
  }
});

t.test('P25: an insecure MX with a signed host and TLSA: by the half-DANE setting', async (t) => {
  const zones: Zones = {
    'example.com': { records: ['@ MX 10 mx.example.net.'], signing: 'unsigned' },
    'example.net': ['mx A 192.0.2.1', `_25._tcp.mx ${TA}`],
  };
  const host = 'mx.example.net';
  const settings = {
    dane: [`deliver-half-dane ${host} half-dane`, `defer ${host} certificate-host-mismatch 4.7.5`],
    encrypt: [`deliver-encrypted ${host} half-dane`, `deliver-encrypted ${host} half-dane`],
    may: [
      `deliver-opportunistically tls ${host} insecure-mx`,
      `deliver-opportunistically tls ${host} insecure-mx`,
    ],
  } as const;
  for (const halfDane of ['dane', 'encrypt', 'may'] as const) {
    const one = { zones, terms: { halfDane } };
    const right = await checked(t, one, at(...issuedTo(host)));
    // A certificate for the next-hop domain, which is no name of this host.
    const wrong = await checked(t, one, at(...issuedTo('example.com')));
    t.same([told(right), told(wrong)], settings[halfDane], halfDane);
    t.notMatch(`${right.decision.action} ${right.decision.why}`, /verified|authenticated/);
    if (halfDane !== 'may') t.match(right.decision.why, /half-dane/);
  }
});

/** Two hosts, of which the second has the better protection. */
const two = (first: readonly string[], second: readonly string[]): Zones => ({
  'example.com': [
    ...['@ MX 10 mx10', '@ MX 20 mx20', 'mx10 A 192.0.2.10', 'mx20 A 192.0.2.20'],
    ...first.map((rr) => `_25._tcp.mx10 ${rr}`),
    ...second.map((rr) => `_25._tcp.mx20 ${rr}`),
  ],
});

t.test(
  'P26: the first MX without TLSA, the second with: in order, in clear if need be',
  async (t) => {
    const zones = two([], [EE]);
    const servers: Servers = {
      '192.0.2.10': { chain: [U], fault: 'no-starttls' },
      '192.0.2.20': { chain: [L, I] },
    };
    t.equal(
      told(await checked(t, { zones }, servers)),
      'deliver-opportunistically clear mx10.example.com no-tlsa',
    );
    const mandatory = await checked(t, { zones, terms: { mandatory: true } }, servers);
    t.equal(told(mandatory), 'deliver-authenticated mx20.example.com tlsa-matches');
    t.same(mandatory.probes?.[0]?.attempts.length, 0, 'the first is not contacted');
  },
);

t.test(
  'P27: the first MX fails, the second has no TLSA: it takes the mail, and it is told',
  async (t) => {
    const zones = two([WRONG], []);
    const servers: Servers = {
      '192.0.2.10': { chain: [L, I] },
      '192.0.2.20': { chain: [U], fault: 'no-starttls' },
    };
    const result = await checked(t, { zones }, servers);
    t.equal(told(result), 'deliver-opportunistically clear mx20.example.com no-tlsa');
    t.match(result.decision.why, /passed over mx10\.example\.com: no certificate matches/);
  },
);

t.test('P30: an address in place of a mail host, and a root beside others', async (t) => {
  const address = { zones: { 'example.com': ['@ MX 10 192.0.2.1.'] } };
  const { words: alone, net } = await planned(address);
  t.same(alone, ['192.0.2.1: unreachable no-address']);
  t.same(tlsaAsked(net).length, 1, 'the root is signed: one question goes out beside the others');
  const zones: Zones = {
    'example.com': [
      '@ MX 0 .',
      '@ MX 5 192.0.2.1.',
      '@ MX 10 mx',
      'mx A 192.0.2.1',
      `_25._tcp.mx ${EE}`,
    ],
  };
  t.same(await words({ zones }), ['192.0.2.1: unreachable no-address', ...asOriginal]);
  t.equal(await met(t, zones, at(L, I)), 'deliver-authenticated mx.example.com tlsa-matches');
});

t.test('P31: a relay in brackets with port 587', async (t) => {
  const parsed = parseNextHop('[relay.example.com]:587');
  t.match(parsed, { nextHop: { kind: 'host', port: 587 } });
  const zones: Zones = {
    'example.com': [
      ...['relay MX 10 elsewhere', 'relay A 192.0.2.1', 'elsewhere A 192.0.2.9'],
      ...[`_587._tcp.relay ${TA}`, `_25._tcp.relay ${WRONG}`],
    ],
  };
  const one = { zones, domain: 'relay.example.com', terms: { mx: 'skip', port: 587 } } as const;
  const { words, tlsaAsked, net } = await planned(one);
  t.same(words, ['relay.example.com: authenticate relay.example.com as relay.example.com']);
  t.same(tlsaAsked, ['_587._tcp.relay.example.com']);
  t.notOk(
    net.log.some(({ type }) => type === 'MX'),
    'no MX is asked for',
  );
});

t.test('P32: port 2525', async (t) => {
  const zones: Zones = {
    'example.com': [MX, 'mx A 192.0.2.1', `_2525._tcp.mx ${EE}`, `_25._tcp.mx ${WRONG}`],
  };
  const one = { zones, terms: { port: 2525 } };
  const { words, tlsaAsked } = await planned(one);
  t.same(words, asOriginal);
  t.same(tlsaAsked, ['_2525._tcp.mx.example.com']);
  t.equal(
    told(await checked(t, one, at(L, I))),
    'deliver-authenticated mx.example.com tlsa-matches',
  );
});

t.test('P33: a next hop in U-labels: A-labels everywhere', async (t) => {
  const domain = 'xn--bcher-kva.example';
  const zones: Zones = { [domain]: ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx ${TA}`] };
  const parsed = parseNextHop('b\u00fccher.example');
  if (parsed.kind === 'malformed') return t.fail(parsed.why);
  const { net, resolver } = open({ zones });
  const plan = await planNextHop(parsed.nextHop, resolver.lookup);
  t.same(show(plan), [`mx.${domain}: authenticate mx.${domain} as mx.${domain} ${domain}`]);
  t.ok(
    net.log.some(({ name, type }) => type === 'MX' && plain(name) === domain),
    'on the wire',
  );
  t.equal(plan.kind === 'deliver' && plain(plan.route.domain), domain, 'what is reported');
  t.equal(
    told(await checked(t, { zones, domain }, at(...issuedTo(domain)))),
    `deliver-authenticated mx.${domain} tlsa-matches`,
    'in the certificate',
  );
});

t.test(
  'P54: one MX host in a bogus zone of another top-level domain: only that one is out',
  async (t) => {
    const zones: Zones = {
      'example.com': [
        '@ MX 10 mx.example.net.',
        '@ MX 20 mx',
        'mx A 192.0.2.1',
        `_25._tcp.mx ${EE}`,
      ],
      'example.net': ['mx A 192.0.2.9', `_25._tcp.mx ${EE}`],
    };
    const broken = (net: readonly ReturnType<typeof corruptSignatures>[]) => ({
      zones,
      amend: { 'example.net': net },
    });
    t.same(await words(broken([corruptSignatures()])), [
      'mx.example.net: unreachable signature-invalid (addresses)',
      ...asOriginal,
    ]);
    t.same(await words(broken([corruptSignatures('TLSA')])), [
      'mx.example.net: unreachable signature-invalid (tlsa)',
      ...asOriginal,
    ]);
    const result = await checked(t, broken([corruptSignatures()]), at(L, I));
    t.equal(told(result), 'deliver-authenticated mx.example.com tlsa-matches');
  },
);
