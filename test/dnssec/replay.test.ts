// Properties of denial: without one of the records that it rests on it is never secure; and genuine records of a zone,
// its parent and its children, put together at will, never make a false claim secure or insecure.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { findRRset, type RRset } from '../../src/dns/rrset.ts';
import { checkDelegation, type Delegation, evidenceIn } from '../../src/dnssec/delegation.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { type Finding, type Found, judge } from '../../src/dnssec/judge.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneKeys } from '../../src/dnssec/verify.ts';
import {
  type Internet,
  internet,
  type Nsec3Options,
  seededRandom,
} from '../../src/testing/index.ts';
import { readLines, Zone } from '../../src/testing/zone.ts';
import { contextAt, policy } from './support.ts';
import { covers, denialOf, keysOf, matches, replyOf, settle, wordsOf } from './world.ts';

const ZONE = 'example.com';
const CHILD = 'signed.example.com';
const RECORDS = [
  'host A 192.0.2.1',
  'deep.ent A 192.0.2.2',
  '*.wild A 192.0.2.3',
  'exact.wild A 192.0.2.4',
  '*.sub.wild TXT deeper',
  'alias CNAME host',
  '*.many CNAME host',
  'below.*.star A 192.0.2.5',
  'dname DNAME other.example.com.',
];
const MODES: Readonly<Record<string, 'nsec' | Nsec3Options>> = {
  nsec: 'nsec',
  nsec3: { salt: 'ab' },
  'opt-out': { spans: 'optOut' },
};

const world = (denial: 'nsec' | Nsec3Options): Internet =>
  internet({
    com: { signing: { denial } },
    [ZONE]: { records: RECORDS, signing: { denial } },
    [CHILD]: { records: ['www A 192.0.2.6', '*.wild A 192.0.2.7'], signing: { denial } },
    'plain.example.com': { records: ['www A 192.0.2.8'], signing: 'unsigned' },
    'plain.gap.example.com': { records: ['www A 192.0.2.9'], signing: 'unsigned' },
    'sibling.com': { records: ['www A 192.0.2.10', '*.wild A 192.0.2.11'], signing: { denial } },
  });

const LABELS = [
  '',
  'host',
  'x.host',
  'ent',
  'deep.ent',
  'x.ent',
  'wild',
  'x.wild',
  'y.x.wild',
  '*.wild',
  'exact.wild',
  'x.exact.wild',
  'sub.wild',
  'x.sub.wild',
  'alias',
  'x.alias',
  'many',
  'star',
  'x.star',
  'x.many',
  'dname',
  'x.dname',
  'nope',
  'x.nope',
  'signed',
  'www.signed',
  'nope.signed',
  'x.wild.signed',
  'plain',
  'www.plain',
  'gap',
  'plain.gap',
  'x.gap',
]; // prettier-ignore
const NAMES = LABELS.map((label) => Name.parse(label ? `${label}.${ZONE}` : ZONE));
const TYPES: readonly RRType[] = ['A', 'TXT', 'DS', 'ANY'];

interface Question {
  readonly name: Name;
  readonly type: RRType;
}
const QUESTIONS: readonly Question[] = NAMES.flatMap((name) =>
  TYPES.map((type) => ({ name, type })),
);

/** Each signature is computed once: the property asks for many judgements over few signatures. */
function remembering(engine: Engine): Engine {
  return {
    ...engine,
    importKey: (material) => {
      const verifier = engine.importKey(material);
      const known = new Map<string, boolean>();
      return (
        verifier &&
        ((data, signature) => {
          const key = Buffer.concat([signature, data]).toString('latin1');
          const verdict = known.get(key) ?? verifier(data, signature);
          known.set(key, verdict);
          return verdict;
        })
      );
    },
  };
}
const rules = policy(remembering(nativeEngine));

class Stage {
  readonly net: Internet;
  readonly mode: string;
  readonly #zones = new Map<string, Zone>();
  readonly #keys = new Map<string, ZoneKeys>();
  readonly #replies = new Map<string, Reply>();

  constructor(mode: string, denial: 'nsec' | Nsec3Options) {
    this.mode = mode;
    this.net = world(denial);
  }

  context = () => contextAt(this.net.clock.now() / 1000, rules);

  /** The zone as its servers hold it: the truth that claims are held against. */
  zone(zone: string): Zone {
    const known = this.#zones.get(zone) ?? readZone(this.net, zone);
    this.#zones.set(zone, known);
    return known;
  }

  keys(zone: string): ZoneKeys {
    const known = this.#keys.get(zone) ?? keysOf(this.net, zone);
    this.#keys.set(zone, known);
    return known;
  }

  reply(zone: string, { name, type }: Question): Reply {
    const id = `${zone} ${name} ${type}`;
    const known = this.#replies.get(id) ?? replyOf(this.net, zone, String(name), type);
    this.#replies.set(id, known);
    return known;
  }

  judge(zone: string, question: Question, reply: Reply): Finding {
    const trust = { status: 'secure', keys: this.keys(zone), ttl: 3600 } as const;
    return settle(judge(question, reply, Name.parse(zone), trust, this.context()));
  }

  delegation(child: Name, reply: Reply): Delegation {
    return checkDelegation(child, evidenceIn(reply, child), this.keys(ZONE), this.context());
  }
}
const readZone = (net: Internet, zone: string): Zone =>
  new Zone(Name.parse(zone), readLines(net.zoneText(zone).split('\n'), Name.parse(zone)));

/** Whether nothing signed stands against an insecure claim: the name lies in an opt-out span. */
function mayBeInsecure(stage: Stage, zone: string, name: Name): boolean {
  if (stage.mode !== 'opt-out') return false;
  const truth = stage.zone(zone);
  for (let labels = name.labels; labels >= truth.name.labels; labels -= 1) {
    const above = name.ancestor(labels);
    if (!truth.nsec3At(above)) continue;
    const sets = truth.node(above)?.sets;
    const isCut = sets?.has('NS') && labels > truth.name.labels;
    return labels < name.labels && !isCut && !sets?.has('DNAME');
  }
  return false;
}

const sameData = (set: RRset, type: RRType, records: readonly { rdata: Uint8Array }[]): boolean =>
  set.type === type &&
  set.rdata.length === records.length &&
  set.rdata.every((one) => records.some(({ rdata }) => Buffer.compare(one, rdata) === 0));

/** Whether the zone's contents bear a finding out: RFC 1034 section 4.3.2 over the truth. */
function isTrue(stage: Stage, zone: string, { name, type }: Question, finding: Finding): boolean {
  if (!('found' in finding)) return true;
  if (finding.status === 'insecure') return mayBeInsecure(stage, zone, name);
  const { found } = finding;
  const place = stage.zone(zone).find(name, type);
  if (place.kind === 'cut') return type === 'ANY' && isParentData(found);
  if (place.kind === 'dname') return found.kind === 'alias' && found.records[0]?.type === 'DNAME';
  const node = place.kind === 'node' ? place.node : place.wildcard;
  switch (found.kind) {
    case 'records':
      return [found.rrset, ...(found.others ?? [])].every((set) => {
        const stored = node?.sets.get(set.type);
        return stored !== undefined && sameData(set, stored.type, stored.records);
      });
    case 'alias': {
      const stored = node?.sets.get('CNAME');
      const last = found.records.at(-1);
      return stored !== undefined && last !== undefined && sameData(last, 'CNAME', stored.records);
    }
    case 'nodata':
      return (
        node !== undefined &&
        !node.sets.has(type) &&
        !node.sets.has('CNAME') &&
        (type !== 'ANY' || node.sets.size === 0)
      );
    case 'nxdomain':
      return node === undefined;
  }
}

/** What a parent may say at a delegation: ANY may be answered by less than all (RFC 8482 section 4.1). */
const isParentData = (found: Found): boolean =>
  found.kind === 'records' &&
  [found.rrset, ...(found.others ?? [])].every(({ type }) => type === 'DS' || type === 'NSEC');

/** The same for what is said about a delegation. */
function isTrueCut(stage: Stage, child: Name, delegation: Delegation): boolean {
  const place = stage.zone(ZONE).find(child, 'DS');
  const node = place.kind === 'node' ? place.node : undefined;
  const isCut = node?.sets.has('NS') && !child.equals(Name.parse(ZONE));
  switch (delegation.kind) {
    case 'signed':
      return node?.sets.has('DS') === true;
    case 'unsigned':
      return (isCut && !node?.sets.has('DS')) || mayBeInsecure(stage, ZONE, child);
    case 'not-a-cut':
      return place.kind !== 'cut' && !isCut;
    case 'nothing-below':
      return place.kind === 'missing' || place.kind === 'dname';
    case 'silent':
    case 'failed':
      return true;
  }
}

const print = ({ name, type }: Question, finding: Finding, from: string): string =>
  `${name} ${type}: ${wordsOf(finding)} from ${from}`;

for (const [mode, denial] of Object.entries(MODES)) {
  t.test(`${mode}: honest replies are understood`, async (t) => {
    const stage = new Stage(mode, denial);
    let secure = 0;
    for (const question of QUESTIONS) {
      const finding = stage.judge(ZONE, question, stage.reply(ZONE, question));
      const place = stage.zone(ZONE).find(question.name, question.type);
      t.ok(isTrue(stage, ZONE, question, finding), print(question, finding, 'the zone'));
      const isParents = question.type === 'DS' && question.name.equals(Name.parse(ZONE));
      const isUnknowable = place.kind === 'cut' || isParents;
      const known = isUnknowable ? 'bogus' : 'secure';
      const expected = mayBeInsecure(stage, ZONE, question.name) ? 'insecure' : known;
      t.equal(finding.status, expected, print(question, finding, 'the zone'));
      if (finding.status === 'secure') secure += 1;
    }
    t.ok(secure > 40, `${secure} of ${QUESTIONS.length} secure`);
  });

  t.test(`${mode}: no denial without one of its records`, async (t) => {
    const stage = new Stage(mode, denial);
    let removed = 0;
    const wrong: string[] = [];
    for (const zone of [ZONE, CHILD])
      for (const question of QUESTIONS.filter(({ name }) => name.isAtOrBelow(Name.parse(zone)))) {
        const whole = stage.reply(zone, question);
        const finding = stage.judge(zone, question, whole);
        if (finding.status !== 'secure') continue;
        for (const used of finding.found.proof.filter(({ type }) => type !== 'SOA')) {
          const authority = whole.authority.filter(
            (set) => !findRRset([used], set.owner, set.type),
          );
          const left = stage.judge(zone, question, { ...whole, authority });
          removed += 1;
          if (left.status === 'secure') wrong.push(print(question, left, `all but ${used.owner}`));
        }
      }
    for (const child of NAMES) {
      const whole = stage.reply(ZONE, { name: child, type: 'DS' });
      if (whole.answer.length > 0) continue;
      for (const used of whole.authority.filter((set) => isNeeded(stage, child, set))) {
        const { kind } = stage.delegation(child, {
          ...whole,
          authority: whole.authority.filter((set) => set !== used),
        });
        removed += 1;
        if (kind !== 'silent' && kind !== 'failed')
          wrong.push(`${child}: ${kind} without ${used.owner}`);
      }
    }
    t.same(wrong, []);
    t.ok(removed > 60, `${removed} records were taken away`);
  });

  t.test(`${mode}: the answer to one question replayed for another`, async (t) => {
    const stage = new Stage(mode, denial);
    const wrong: string[] = [];
    const tried = { judged: 0, believed: 0 };
    const different = differentReplies(stage);
    for (const question of QUESTIONS)
      for (const [other, heard] of different) {
        const reply = retarget(heard, question.name);
        const finding = stage.judge(ZONE, question, reply);
        tried.judged += 1;
        if ('found' in finding) tried.believed += 1;
        if (!isTrue(stage, ZONE, question, finding)) wrong.push(print(question, finding, other));
      }
    t.same(wrong.slice(0, 10), []);
    t.comment(`${mode}: ${tried.judged} replays, ${tried.believed} of them told the truth`);
  });

  t.test(`${mode}: records put together at random`, async (t) => {
    const stage = new Stage(mode, denial);
    const pick = picker(20_261_124);
    const pools = [ZONE, ZONE, ZONE, CHILD, 'com', 'sibling.com'].map((zone) =>
      denialOf(stage.net, zone),
    );
    const wrong: string[] = [];
    const tried = { judged: 0, believed: 0 };
    for (let i = 0; i < ROUNDS; i += 1) {
      const question = pick(QUESTIONS);
      const zone =
        question.name.isAtOrBelow(Name.parse(CHILD)) && pick([true, false]) ? CHILD : ZONE;
      const sources = [pick(QUESTIONS), pick(QUESTIONS), question].map((one) =>
        stage.reply(ZONE, one),
      );
      const authority = [
        ...sources.flatMap((source) => source.authority).filter(() => pick([true, true, false])),
        ...Array.from({ length: pick([0, 1, 2, 4]) }, () => pick(pick(pools))),
      ];
      const answer = sources.flatMap((source) => retarget(source, question.name).answer);
      const reply = {
        rcode: pick(['NOERROR', 'NXDOMAIN'] as const),
        answer: answer.filter(() => pick([true, false, false])),
        authority: [...new Set(authority)],
      };
      const finding = stage.judge(zone, question, reply);
      tried.judged += 1;
      if ('found' in finding) tried.believed += 1;
      if (!isTrue(stage, zone, question, finding))
        wrong.push(print(question, finding, authority.map(({ owner }) => owner).join()));
      const delegation = stage.delegation(question.name, reply);
      if (!isTrueCut(stage, question.name, delegation))
        wrong.push(`${question.name}: ${delegation.kind}`);
    }
    t.same(wrong.slice(0, 10), []);
    t.comment(`${mode}: ${tried.judged} mixtures, ${tried.believed} of them told the truth`);
  });
}

/** One reply of each kind, by a question that it answers. */
function differentReplies(stage: Stage): readonly (readonly [asked: string, Reply])[] {
  const replies = new Map<string, readonly [string, Reply]>();
  for (const question of QUESTIONS) {
    const reply = stage.reply(ZONE, question);
    const sets = [...reply.answer, ...reply.authority].map(
      ({ owner, type }) => `${owner.key} ${type}`,
    );
    replies.set([reply.rcode, reply.answer.length, ...sets].join(), [
      `${question.name} ${question.type}`,
      reply,
    ]);
  }
  return [...replies.values()];
}

const ROUNDS = 3000;

/** Whether the absence of a DS rests on this record: the denial of a wildcard, which makes no delegation, is not needed. */
function isNeeded(stage: Stage, child: Name, set: RRset): boolean {
  const place = stage.zone(ZONE).find(child, 'DS');
  if (set.type !== 'NSEC' && set.type !== 'NSEC3') return false;
  if (place.kind !== 'missing') return true;
  const nextCloser = child.ancestor(place.encloser.labels + 1);
  return (
    covers(set, String(nextCloser)) ||
    (set.type === 'NSEC3' && matches(set, String(place.encloser)))
  );
}

/** The answer's records under the name asked for: what a wildcard could have made. */
const retarget = (reply: Reply, name: Name): Reply => ({
  ...reply,
  answer: [...reply.answer, ...reply.answer.map((set) => ({ ...set, owner: name }))],
});

/** Picks elements, the same ones for the same seed. */
function picker(seed: number): <T>(list: readonly T[]) => T {
  const random = seededRandom(seed);
  return (list) => {
    const [high = 0, low = 0] = random.bytes(2);
    const item = list[((high << 8) | low) % list.length];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
}
