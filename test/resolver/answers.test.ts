// What a kept finding answers beside its own question.
import t from 'tap';
import { Name, ROOT } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import { ROOT_ANCHORS } from '../../src/dnssec/anchors.ts';
import { Answers } from '../../src/resolver/answers.ts';
import { VirtualClock } from '../../src/testing/index.ts';

const clock = new VirtualClock(0);
const name = Name.parse('nope.example.com');
const below = Name.parse('www.nope.example.com');

const nsec = (owner: string, rdata: string): RRset => ({
  owner: Name.parse(owner),
  type: 'NSEC',
  ttl: 300,
  rdata: [parseRdata('NSEC', rdata)],
  signatures: [],
});

const STAND = { anchors: ROOT_ANCHORS, negative: undefined };

/** Answers that know of one absence by one NSEC. */
function knowing(status: 'secure' | 'insecure', proof: readonly RRset[]): Answers {
  const answers = new Answers(clock, { bytes: 1_000_000, closestZone: () => ROOT });
  const found = { kind: 'nxdomain', proof } as const;
  const finding =
    status === 'secure'
      ? ({ status, found, ttl: 300 } as const)
      : ({ status, found, ttl: 300, reason: 'no-ds-proven' } as const);
  answers.keep({ name, type: 'A' }, { finding, zone: ROOT, expiresAt: 300_000, stand: STAND });
  return answers;
}

const covering = nsec('example.com', 'zebra.example.com. NS SOA RRSIG NSEC DNSKEY');
const compact = nsec('nope.example.com', '\\000.nope.example.com. RRSIG NSEC NXNAME');

t.test('an absence answers for every type at its name (RFC 2308 section 5)', (t) => {
  for (const answers of [knowing('secure', [covering]), knowing('insecure', [])])
    t.equal(answers.recall({ name, type: 'MX' })?.finding.status !== undefined, true);
  t.end();
});

t.test('a proved absence answers for the names below (RFC 8020), an unproved one does not', (t) => {
  t.match(knowing('secure', [covering]).recall({ name: below, type: 'A' })?.finding, {
    status: 'secure',
    found: { kind: 'nxdomain' },
  });
  t.equal(knowing('insecure', []).recall({ name: below, type: 'A' }), undefined);
  t.end();
});

t.test('row 70: NXNAME speaks of exactly one name (RFC 9824)', (t) => {
  const answers = knowing('secure', [compact]);
  t.match(answers.recall({ name, type: 'MX' })?.finding, { status: 'secure' });
  t.equal(answers.recall({ name: below, type: 'A' }), undefined);
  t.end();
});
