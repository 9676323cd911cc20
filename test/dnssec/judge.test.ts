// The replies that RFC 4035 and RFC 5155 print in their appendices B, judged in the zones of their appendices A; and
// each with one thing taken away.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { collectRRsets, findRRset, type RRset } from '../../src/dns/rrset.ts';
import { checkDelegation, evidenceIn } from '../../src/dnssec/delegation.ts';
import { parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { judge } from '../../src/dnssec/judge.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneKeys } from '../../src/dnssec/verify.ts';
import {
  type CorpusRecord,
  contextAt,
  corpus,
  corpusRecord,
  ENGINES,
  LEGACY,
  noCorpora,
  policy,
} from './support.ts';

const skip = noCorpora ?? false;
const ZONE = Name.parse('example');

interface Printed {
  readonly section: string;
  readonly title: string;
  readonly header: string;
  readonly question: { readonly name: string; readonly type: RRType };
  readonly answer: CorpusRecord[];
  readonly authority: CorpusRecord[];
}
interface Responses {
  readonly validAt: string;
  readonly responses: Printed[];
}

function keysOf(file: string): ZoneKeys {
  const { records } = corpus<{ records: CorpusRecord[] }>(file);
  const dnskey = findRRset(collectRRsets(records.map(corpusRecord)), ZONE, 'DNSKEY');
  const keys = (dnskey?.rdata ?? []).map(parseDnsKey).filter((key) => key !== undefined);
  return { zone: ZONE, keys };
}

const replyOf = ({ header, answer, authority }: Printed): Reply => ({
  rcode: header.endsWith('RCODE=3') ? 'NXDOMAIN' : 'NOERROR',
  answer: collectRRsets(answer.map(corpusRecord)),
  authority: collectRRsets(authority.map(corpusRecord)),
});

/** What the reply comes to, in one word or two. */
function verdictOf(
  printed: Printed,
  reply: Reply,
  keys: ZoneKeys,
  context: ReturnType<typeof contextAt>,
): string {
  const name = Name.parse(printed.question.name);
  if (printed.title.startsWith('Referral')) {
    const child = reply.authority.find(({ type }) => type === 'NS')?.owner ?? name;
    const delegation = checkDelegation(child, evidenceIn(reply, child), keys, context);
    return delegation.kind === 'unsigned' ? `unsigned: ${delegation.reason}` : delegation.kind;
  }
  const trust = { status: 'secure', keys, ttl: 3600 } as const;
  const judgement = judge({ name, type: printed.question.type }, reply, ZONE, trust, context);
  const finding = judgement.kind === 'settled' ? judgement.finding : judgement.otherwise;
  return 'found' in finding
    ? `${finding.status} ${finding.found.kind}`
    : `${finding.status}: ${finding.reason}`;
}

// The last ones show the child's own denial of its DS, which says nothing about its delegation (RFC 6840 section 4.1).
const EXPECTED: Record<string, Record<string, string>> = {
  rfc4035: {
    'B.1': 'secure records',
    'B.2': 'secure nxdomain',
    'B.3': 'secure nodata',
    'B.4': 'signed',
    'B.5': 'unsigned: no-ds-proven',
    'B.6': 'secure records',
    'B.7': 'secure nodata',
    'B.8': 'bogus: denial-missing',
  },
  // All of this zone's spans have the Opt-Out flag, so what rests on one is insecure (RFC 5155 section 9.2).
  rfc5155: {
    'B.1': 'insecure nxdomain',
    'B.2': 'secure nodata',
    'B.2.1': 'secure nodata',
    'B.3': 'unsigned: opt-out',
    'B.4': 'insecure records',
    'B.5': 'insecure nodata',
    'B.6': 'bogus: denial-missing',
  },
};

/**
 * RFC 5155 erratum 3441: in an opt-out span NODATA needs no word about the wildcard, since an empty non-terminal above
 * unsigned delegations has no NSEC3. The NSEC3 of `*.w.example` is the only one in the zone of which that is true.
 */
const isOptOutNoData = ({ owner }: RRset): boolean =>
  owner.toString().startsWith('r53bq7cc2uvmubfu5ocmm6pers9tk9en.');

for (const [rfc, expected] of Object.entries(EXPECTED)) {
  const zoneFile = `rfc-vectors/${rfc}-appendix-a-zone.json`;
  const responsesFile = `rfc-vectors/${rfc}-appendix-b-responses.json`;

  t.test(`the replies of ${rfc} appendix B`, { skip }, async (t) => {
    const { validAt, responses } = corpus<Responses>(responsesFile);
    const keys = keysOf(zoneFile);
    for (const engine of ENGINES)
      for (const printed of responses) {
        const context = contextAt(Date.parse(validAt) / 1000, policy(engine, LEGACY));
        const verdict = verdictOf(printed, replyOf(printed), keys, context);
        t.equal(
          verdict,
          expected[printed.section],
          `${printed.section} ${printed.title} on ${engine.name}`,
        );
      }
    t.equal(responses.length, Object.keys(expected).length, 'all of them');
  });

  t.test(`${rfc} appendix B without one of its proofs`, { skip }, async (t) => {
    const { validAt, responses } = corpus<Responses>(responsesFile);
    const keys = keysOf(zoneFile);
    for (const printed of responses) {
      const whole = replyOf(printed);
      const proofs = whole.authority.filter(({ type }) => type === 'NSEC' || type === 'NSEC3');
      for (const left of proofs) {
        const reply = { ...whole, authority: whole.authority.filter((set) => set !== left) };
        const context = contextAt(Date.parse(validAt) / 1000, policy(undefined, LEGACY));
        const verdict = verdictOf(printed, reply, keys, context);
        t.match(
          verdict,
          isOptOutNoData(left) ? 'insecure nodata' : /^bogus|^silent|^failed/,
          `${printed.section} without ${left.type} of ${left.owner}`,
        );
      }
    }
  });
}
