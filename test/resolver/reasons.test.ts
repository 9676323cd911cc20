// Every row of the reason table that needs a resolver, each by one scenario with one thing wrong, and how it is explained.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { anchorsFrom, parseAnchors } from '../../src/dnssec/anchors.ts';
import { explainCase } from '../../src/dnssec/explanation.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import { failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { explain, type Reason } from '../../src/dnssec/reason.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import {
  type Amendment,
  alterPlan,
  alterReply,
  type Internet,
  internet,
  onlyFor,
  servfail,
  silence,
  stripDnssec,
  stripDsFromReferrals,
  unreachable,
} from '../../src/testing/index.ts';
import { signingKey } from '../../src/testing/keys.ts';
import type { RESOLVER_REASONS } from '../dnssec/resolver-reasons.ts';
import { record } from '../dnssec/world.ts';
import { networkOf, resolverOn } from './support.ts';

const ZONE = Name.parse('example.com');
const WWW = Name.parse('www.example.com');
const net = (): Internet =>
  internet({
    'example.com': ['www A 192.0.2.1', 'loop CNAME pool', 'pool CNAME loop'],
    'plain.com': { records: ['www A 192.0.2.2'], signing: 'unsigned' },
  });

const find = (
  world: Internet,
  options: Partial<ResolverOptions> = {},
  name: Name = WWW,
): Promise<Outcome> => resolverOn(world, options).lookup(name, 'A');

const negative = (world: Internet): NegativeAnchors => {
  const anchors = new NegativeAnchors();
  anchors.add(ZONE, { reason: 'their keys are lost', now: world.clock.now() });
  return anchors;
};

/** A referral to a name that is no delegation, with the zone's true proof that it is none. */
const referTo = (name: string): Amendment =>
  alterReply((reply) => ({
    ...reply,
    authoritative: false,
    rcode: 'NOERROR',
    answer: [],
    authority: [
      record(`${name}. 3600 NS ns.evil.com.`),
      ...reply.authority.filter(({ type }) => type === 'NSEC' || type === 'RRSIG'),
    ],
    additional: [record('ns.evil.com. 3600 A 192.0.2.53')],
  }));

/** The DS question says nothing, and neither did the referral. */
const withoutDs = (): Internet =>
  net().amend('com', stripDsFromReferrals(), onlyFor({ types: ['DS'] }, stripDnssec()));

const oldAnchors = (world: Internet) => {
  const now = parseAnchors(world.anchors);
  if (now.kind === 'errors') throw new RangeError('a broken internet');
  world.amend(
    '.',
    alterPlan((plan) => ({ ...plan, keys: [signingKey(13, 'next root')] })),
  );
  return now.anchors;
};

interface Scenario {
  readonly run: () => Promise<Outcome>;
  readonly status: Outcome['status'];
  /** What the sentence adds to the text of the table. */
  readonly words: RegExp;
  /** The record set at fault, and its zone. */
  readonly place?: readonly [type: string, owner: string, zone: string];
}

type Wanted = (typeof RESOLVER_REASONS)[number] | 'unreachable' | 'budget-spent' | 'no-ds-proven';
const SCENARIOS: Readonly<Record<Wanted, Scenario>> = {
  'no-ds-proven': {
    run: () => find(net(), {}, Name.parse('www.plain.com')),
    status: 'insecure',
    words: /^: by the record at plain\.com\.$/,
    place: ['DS', 'plain.com.', 'com.'],
  },
  'no-trust-anchor': {
    run: () => find(net(), { anchors: anchorsFrom([]) }),
    status: 'insecure',
    words: /^$/,
  },
  'negative-trust-anchor': {
    run: () => {
      const world = net();
      return find(world, { negativeAnchors: negative(world) });
    },
    status: 'insecure',
    words: /^$/,
  },
  'ds-unproven': {
    run: () => find(withoutDs()),
    status: 'bogus',
    words: /^$/,
    place: ['DS', 'example.com.', 'com.'],
  },
  'referral-forged': {
    // The parent's own servers refer to a name of which their zone proves that it is no delegation.
    run: () =>
      find(
        internet({
          com: ['bank A 192.0.2.9'],
          'www.bank.com': {
            records: ['@ A 192.0.2.1'],
            delegation: 'none',
            servers: { 'ns.evil.com': '192.0.2.53' },
          },
        }).amend('com', onlyFor({ below: Name.parse('bank.com') }, referTo('bank.com'))),
        {},
        Name.parse('www.bank.com'),
      ),
    status: 'bogus',
    words: /^$/,
    place: ['DS', 'bank.com.', 'com.'],
  },
  'anchor-outdated': {
    run: () => {
      const world = net();
      return find(world, { anchors: oldAnchors(world) });
    },
    status: 'bogus',
    words:
      /^: expected (\d+) ECDSAP256SHA256 by SHA-256; the key set has (?!\1)\d+ ECDSAP256SHA256, and it is signed by (?!\1)\d+ ECDSAP256SHA256$/,
    place: ['DNSKEY', '.', '.'],
  },
  'signatures-stripped': {
    run: () => {
      const world = net().amendForwarder(stripDnssec());
      return find(world, { forward: [world.forwarder] });
    },
    status: 'bogus',
    words: /^: expected \d+ ECDSAP256SHA256 by SHA-256; the key set has none, and it has no RRSIG$/,
    place: ['DNSKEY', '.', '.'],
  },
  'network-error': {
    run: () => find(net().amend('.', unreachable())),
    status: 'indeterminate',
    words: /^: 198\.18\.0\.\d+ unreachable$/,
    // The minimised name comes first, then the full one (RFC 9156 section 2.3).
    place: ['A', 'www.example.com.', '.'],
  },
  unreachable: {
    run: () => find(net().amend('example.com', servfail('A'))),
    status: 'indeterminate',
    words: /^: 198\.18\.0\.1 servfail$/,
    place: ['A', 'www.example.com.', 'example.com.'],
  },
  'budget-spent': {
    run: () => find(net().amend('example.com', silence()), { limits: { 'wall-clock': 1000 } }),
    status: 'indeterminate',
    words: /^$/,
    place: ['A', 'www.example.com.', 'example.com.'],
  },
  'alias-loop': {
    run: () => find(net(), {}, Name.parse('loop.example.com')),
    status: 'indeterminate',
    words: /^$/,
    place: ['CNAME', 'pool.example.com.', 'example.com.'],
  },
  'private-address': {
    run: () => find(net(), { privateAddresses: [networkOf('192.0.2.0/24')] }),
    status: 'indeterminate',
    words: /^: 192\.0\.2\.1 lies in 192\.0\.2\.0\/24$/,
    place: ['A', 'www.example.com.', 'example.com.'],
  },
};

for (const [reason, { run, status, words, place }] of Object.entries(SCENARIOS))
  t.test(reason, async (t) => {
    const outcome = await run();
    const found = outcome.status === 'secure' ? undefined : outcome.reason;
    t.same([outcome.status, found], [status, reason]);
    const about = failed(outcome)
      ? outcome.fault
      : outcome.status === 'insecure'
        ? outcome.cause
        : undefined;
    t.same(about && [about.type, String(about.owner), String(about.zone)], place);
    const text = explainCase(reason as Reason, about);
    t.match(text.slice(explain(reason as Reason).text.length), words);
  });
