// One who sits on the path: sees each reply before the resolver does, and changes it as the dice say.
import type { Rcode } from '../../src/dns/codes.ts';
import { type Message, parseMessage, type Question, writeMessage } from '../../src/dns/message.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import type { Delivery, ExchangeOptions, ServerAddress, Transport } from '../../src/environment.ts';
import type { Internet } from '../../src/testing/index.ts';
import { readLines } from '../../src/testing/zone.ts';
import { Dice } from './random-internet.ts';

/** At this address the attacker serves whatever he likes, for as long as he likes. */
export const LIAR = '198.18.66.6';
const SILENT = '198.18.66.7';

export interface Attacker {
  readonly transport: Transport;
  /** He leaves the path. Whether his server goes with him is drawn. */
  stop(): void;
}

type Section = 'answer' | 'authority' | 'additional';
const SECTIONS: readonly Section[] = ['answer', 'authority', 'additional'];
type Change = (message: Message, question: Question) => Message | 'silence';

export function attackerOn(
  net: Internet,
  genuine: readonly RR[],
  options: { readonly seed: number; readonly probability: number },
): Attacker {
  const dice = new Dice(options.seed);
  const changes = changesOf(dice, genuine);
  const liarStays = dice.chance(0.5);
  let isOnPath = true;
  const alter = (message: Message, question: Question): Message | 'silence' => {
    let altered: Message | 'silence' = message;
    do {
      if (altered === 'silence') return altered;
      altered = dice.pick(changes)(altered, question);
    } while (dice.chance(0.4));
    return altered;
  };
  const exchange = async (
    to: ServerAddress,
    query: Uint8Array,
    how: ExchangeOptions,
  ): Promise<Delivery> => {
    const parsed = parseMessage(query);
    const [question] = parsed.kind === 'message' ? parsed.message.questions : [];
    if (parsed.kind !== 'message' || !question) throw new RangeError('a query that is none');
    const began = net.clock.now();
    const isLiar = to.ip === LIAR && (isOnPath || liarStays);
    const delivery = isLiar
      ? ({ kind: 'timeout' } as const)
      : await net.transport.exchange(to, query, how);
    if (!isLiar && !(isOnPath && dice.chance(options.probability))) return delivery;
    const received = delivery.kind === 'reply' ? parseMessage(delivery.bytes) : undefined;
    const blank: Message = { ...parsed.message, response: true };
    const reply = received?.kind === 'message' ? received.message : blank;
    if (isLiar) await net.clock.sleep(10);
    const forged = isLiar ? lie(dice, reply, question) : alter(reply, question);
    if (forged === 'silence') {
      await net.clock.sleep(began + how.timeoutMs - net.clock.now());
      return { kind: 'timeout' };
    }
    return { kind: 'reply', bytes: maybeCorrupt(dice, writeMessage(forged)) };
  };
  return {
    transport: { exchange },
    stop: () => {
      isOnPath = false;
    },
  };
}

const maybeCorrupt = (dice: Dice, bytes: Uint8Array): Uint8Array => {
  if (!dice.chance(0.02)) return bytes;
  const at = 2 + dice.below(bytes.length - 2);
  return bytes.map((octet, i) => (i === at ? octet ^ (1 << dice.below(8)) : octet));
};

const bare = (message: Message): Message => ({
  ...message,
  rcode: 'NOERROR',
  answer: [],
  authority: [],
  additional: [],
});
const lines = (...text: readonly string[]): readonly RR[] => readLines(text, ROOT);

/** What the attacker's own server says: anything, with authority. */
function lie(dice: Dice, message: Message, question: Question): Message {
  const { name, type } = question;
  const reply: Message = { ...bare(message), authoritative: true };
  if (dice.chance(0.2)) return { ...reply, rcode: dice.pick(['NXDOMAIN', 'REFUSED', 'SERVFAIL']) };
  if (type === 'A') return { ...reply, answer: lines(`${name} 86400 A ${LIAR}`) };
  return dice.chance(0.5)
    ? reply
    : { ...reply, answer: lines(`${name} 86400 CNAME www.evil.test.`) };
}

function changesOf(dice: Dice, genuine: readonly RR[]): readonly Change[] {
  const everywhere = (message: Message, keep: (record: RR) => boolean): Message => ({
    ...message,
    answer: message.answer.filter(keep),
    authority: message.authority.filter(keep),
    additional: message.additional.filter(keep),
  });
  const add = (message: Message, section: Section, records: readonly RR[]): Message => ({
    ...message,
    [section]: dice.chance(0.5)
      ? [...message[section], ...records]
      : [...records, ...message[section]],
  });
  /** A record set of the zones with its signatures. */
  const genuineSet = (): readonly RR[] => {
    const one = dice.pick(genuine);
    return genuine.filter(
      (record) =>
        record.owner.equals(one.owner) &&
        (record.type === one.type ||
          (record.type === 'RRSIG' && decode('RRSIG', record.rdata).typeCovered === one.type)),
    );
  };
  const above = (name: Name): Name =>
    name.isRoot ? Name.parse('com') : name.ancestor(1 + dice.below(name.labels));
  let earlier: Message | undefined;
  return [
    () => 'silence',
    (message) => ({ ...message, truncated: true }),
    (message) => ({ ...message, authoritative: !message.authoritative }),
    (message) => ({
      ...message,
      rcode: dice.pick<Rcode>([
        'NOERROR',
        'NXDOMAIN',
        'NXDOMAIN',
        'SERVFAIL',
        'REFUSED',
        'YXDOMAIN',
        'FORMERR',
      ]),
    }),
    (message) => everywhere(message, () => dice.chance(0.7)),
    (message) => everywhere(message, ({ type }) => type !== 'RRSIG'),
    (message) =>
      everywhere(message, ({ type }) => type !== 'DS' && type !== 'NSEC' && type !== 'NSEC3'),
    (message) =>
      everywhere(message, ({ type }) => !['DS', 'RRSIG', 'NSEC', 'NSEC3', 'DNSKEY'].includes(type)),
    (message) => everywhere(message, ({ type }) => type !== 'SOA' && type !== 'NS'),
    (message) => add(message, dice.pick(SECTIONS), genuineSet()),
    (message) =>
      add(
        message,
        'authority',
        [...genuineSet(), ...genuineSet()].filter(({ type }) => type !== 'A'),
      ),
    (message) =>
      add(
        message,
        'authority',
        genuine.filter(
          ({ type, rdata }) =>
            (type === 'NSEC' ||
              type === 'NSEC3' ||
              (type === 'RRSIG' && decode('RRSIG', rdata).typeCovered.startsWith('NSEC'))) &&
            dice.chance(0.5),
        ),
      ),
    (message, { name, type }) =>
      add(
        { ...message, answer: [] },
        'answer',
        genuine
          .filter((record) => record.type === type || record.type === 'RRSIG')
          .filter(() => dice.chance(0.2))
          .map((record) => ({ ...record, owner: name })),
      ),
    // A wildcard's data under another name.
    (message, { name }) =>
      add(
        { ...message, answer: [] },
        'answer',
        genuine
          .filter(({ owner }) => owner.isWildcard)
          .map((record) => ({ ...record, owner: name })),
      ),
    (message) => ({ ...message, [dice.pick(SECTIONS)]: [] }),
    (message) => {
      const last = earlier ?? message;
      earlier = message;
      return { ...last, id: message.id, questions: message.questions };
    },
    (message) => {
      const last = earlier ?? message;
      earlier = message;
      const section = dice.pick(SECTIONS);
      return { ...message, [section]: last[section] };
    },
    (message, { name, type }) => ({
      ...bare(message),
      authoritative: true,
      answer:
        type === 'A'
          ? lines(`${name} 86400 A 192.0.2.66`)
          : type === 'TLSA'
            ? lines(`${name} 86400 TLSA 3 1 1 66`)
            : [],
    }),
    (message, { name }) => ({
      ...bare(message),
      authoritative: true,
      answer: lines(
        `${name} 86400 CNAME www.${dice.pick(['evil.test.', 'plain.net.', 'example.com.'])}`,
      ),
    }),
    (message, { name }) => ({
      ...bare(message),
      authoritative: true,
      answer: lines(
        `${above(name)} 86400 DNAME ${dice.pick(['evil.test.', 'plain.net.', 'example.com.'])}`,
      ),
    }),
    (message, { name }) => ({
      ...message,
      answer: [],
      authority: [
        ...message.authority.filter(({ type }) => type !== 'NS' && type !== 'SOA'),
        ...lines(`${above(name)} 86400 NS ns.evil.test.`),
      ],
      additional: lines(`ns.evil.test. 86400 A ${dice.pick([LIAR, SILENT])}`),
    }),
    (message, { name }) => {
      const cut = above(name);
      return {
        ...bare(message),
        authority: lines(`${cut} 86400 NS ns.${cut}`, `${cut} 86400 NS ns.evil.test.`),
        additional: lines(`ns.${cut} 86400 A ${dice.pick([LIAR, SILENT])}`),
      };
    },
    (message) => ({
      ...message,
      additional: message.additional.map((record) =>
        record.type === 'A'
          ? { ...record, ttl: 86_400, rdata: encode('A', { address: dice.pick([LIAR, SILENT]) }) }
          : record,
      ),
    }),
    (message) => ({
      ...message,
      answer: message.answer.map((record) =>
        record.type === 'A' && dice.chance(0.5)
          ? { ...record, rdata: encode('A', { address: LIAR }), ttl: 86_400 }
          : record,
      ),
    }),
    (message) => {
      const ttl = dice.pick([0, 1, 86_400, 2 ** 31 - 1]);
      const set = (records: readonly RR[]): readonly RR[] =>
        records.map((record) => ({ ...record, ttl }));
      return {
        ...message,
        answer: set(message.answer),
        authority: set(message.authority),
        additional: set(message.additional),
      };
    },
    (message) => ({
      ...message,
      answer: message.answer.map((record) =>
        record.type === 'DNSKEY' && dice.chance(0.5)
          ? { ...record, rdata: record.rdata.map((octet, i) => (i === 10 ? octet ^ 1 : octet)) }
          : record,
      ),
    }),
    (message) => ({ ...message, id: message.id ^ 1 }),
    (message, { name }) =>
      add({ ...bare(message) }, 'answer', lines(`${name} 86400 DS 1 13 2 ${'00'.repeat(32)}`)),
    // The parent's proof of one delegation for another.
    (message, { name }) => ({
      ...bare(message),
      authority: [
        ...lines(`${above(name)} 86400 NS ns.evil.test.`),
        ...genuineSet(),
        ...genuineSet(),
        ...genuineSet(),
      ],
      additional: lines(`ns.evil.test. 86400 A ${LIAR}`),
    }),
    (message) => ({
      ...message,
      questions: message.questions.map((question) => ({
        ...question,
        name: question.name.wildcard ?? ROOT,
      })),
    }),
  ];
}
