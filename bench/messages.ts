/**
 * Messages as they come from real servers, made with our own writer: one for each kind that a validator reads.
 * @module
 */
import type { RRType } from '../src/dns/codes.ts';
import { type Message, writeMessage } from '../src/dns/message.ts';
import { Name } from '../src/dns/name.ts';
import type { RR } from '../src/dns/rrset.ts';
import { parseZone } from '../src/dns/zone-file.ts';

const base64 = (octets: number): string => Buffer.alloc(octets, 0xa5).toString('base64');

function records(text: string): readonly RR[] {
  const zone = parseZone(text);
  if (zone.kind === 'errors') throw new TypeError(JSON.stringify(zone.errors));
  return zone.records;
}

function message(
  question: readonly [name: string, type: RRType],
  sections: { readonly answer?: string; readonly authority?: string; readonly additional?: string },
): Uint8Array {
  const [name, type] = question;
  const { answer = '', authority = '', additional = '' } = sections;
  const whole: Message = {
    id: 0x1234,
    response: true,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: false,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 'NOERROR',
    questions: [{ name: Name.parse(name), type }],
    answer: records(answer),
    authority: records(authority),
    additional: records(additional),
    edns: { udpSize: 1232, version: 0, dnssecOk: true, options: [] },
  };
  return writeMessage(whole);
}

const rrsig = (
  owner: string,
  type: RRType,
  labels: number,
  signer: string,
  octets: number,
): string =>
  `${owner} 300 IN RRSIG ${type} 13 ${labels} 300 20270101000000 20261201000000 12345 ${signer} ${base64(octets)}\n`;

const letters = [...'abcdefg'];
const nsec3 = (hash: string): string =>
  `${hash}.example. 300 NSEC3 1 0 0 - ${hash} A RRSIG\n${rrsig(`${hash}.example.`, 'NSEC3', 2, 'example.', 64)}`;

/** By what they are. */
export const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  'question without answer': message(['www.example.com', 'A'], {}),
  'A with its RRSIG': message(['www.example.com', 'A'], {
    answer: `www.example.com. 300 A 192.0.2.1\n${rrsig('www.example.com.', 'A', 3, 'example.com.', 64)}`,
  }),
  'DNSKEY with three RRSIGs': message(['.', 'DNSKEY'], {
    answer:
      `. 300 DNSKEY 256 3 8 ${base64(260)}\n. 300 DNSKEY 257 3 8 ${base64(260)}\n` +
      rrsig('.', 'DNSKEY', 0, '.', 256).repeat(2),
  }),
  'referral of 15 records': message(['www.example.com', 'A'], {
    authority:
      letters.map((letter) => `com. 300 NS ${letter}.gtld-servers.net.\n`).join('') +
      `com. 300 DS 19718 13 2 ${'ab'.repeat(32)}\n${rrsig('com.', 'DS', 1, '.', 64)}`,
    additional: letters
      .slice(0, 6)
      .map((letter) => `${letter}.gtld-servers.net. 300 A 192.5.6.30\n`)
      .join(''),
  }),
  'NXDOMAIN with three NSEC3': message(['no.example', 'A'], {
    authority:
      `example. 300 SOA ns.example. root.example. 1 2 3 4 5\n${rrsig('example.', 'SOA', 1, 'example.', 64)}` +
      [
        '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
        '2t7b4g4vsa5smi47k61mv5bv1a22bojr',
        'b4um86eghhds6nea196smvmlo4ors995',
      ]
        .map(nsec3)
        .join(''),
  }),
};
