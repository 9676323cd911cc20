/** The authority against the responses printed in RFC 4035 appendix B and RFC 5155 appendix B. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parseType, type RRType } from '../../src/dns/codes.ts';
import type { Message } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { respond } from '../../src/testing/authority.ts';
import { makeRecord, Zone } from '../../src/testing/zone.ts';
import { clientQuery } from '../client-query.ts';

interface PrintedRecord {
  owner: string;
  ttl: number;
  type: string;
  wireHex: string;
}
interface PrintedResponse {
  section: string;
  title: string;
  header: string;
  question: { name: string; type: string };
  answer: PrintedRecord[];
  authority: PrintedRecord[];
}

const folder = new URL('../../../../shared/corpora/rfc-vectors/', import.meta.url);
// The file's shape is documented in SIGNATURE-VECTORS.md beside it.
const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T;
const skip = existsSync(folder) ? false : '../shared/corpora is not there';

const typed = (text: string): RRType => {
  const type = parseType(text);
  if (!type) throw new TypeError(`no type ${text}`);
  return type;
};
const record = ({ owner, type, ttl, wireHex }: PrintedRecord): RR =>
  makeRecord(Name.parse(owner), typed(type), ttl, new Uint8Array(Buffer.from(wireHex, 'hex')));
/** One line a record, sorted: a section as a set. */
const asSet = (records: readonly RR[]): string[] =>
  records
    .map(({ owner, type, rdata }) =>
      `${owner} ${type} ${Buffer.from(rdata).toString('hex')}`.toLowerCase(),
    )
    .sort();

export const question = (name: string, type: RRType): Message =>
  clientQuery(name, type, { recursionDesired: false });

for (const rfc of ['rfc4035', 'rfc5155']) {
  t.test(`${rfc} appendix B`, { skip }, async (t) => {
    const { records } = read<{ records: PrintedRecord[] }>(`${rfc}-appendix-a-zone.json`);
    const zone = new Zone(Name.parse('example.'), records.map(record));
    const { responses } = read<{ responses: PrintedResponse[] }>(
      `${rfc}-appendix-b-responses.json`,
    );
    for (const printed of responses) {
      const reply = respond([zone], question(printed.question.name, typed(printed.question.type)));
      const title = `${printed.section} ${printed.title}`;
      t.same(asSet(reply.answer), asSet(printed.answer.map(record)), `${title}: answer`);
      t.same(asSet(reply.authority), asSet(printed.authority.map(record)), `${title}: authority`);
      t.equal(reply.authoritative, printed.header.includes('AA'), `${title}: AA`);
      t.equal(reply.rcode === 'NXDOMAIN', printed.header.includes('RCODE=3'), `${title}: RCODE`);
    }
  });
}
