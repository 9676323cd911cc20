// The query of a client, as the tests of several folders send it.
import type { RRType } from '../src/dns/codes.ts';
import type { Message } from '../src/dns/message.ts';
import { Name } from '../src/dns/name.ts';

/** Desires recursion, and speaks EDNS with DO set; what is not so in a test stands in `more`. */
export const clientQuery = (
  name: string,
  type: RRType = 'A',
  more: Partial<Message> = {},
): Message => ({
  id: 4711,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 'NOERROR',
  questions: [{ name: Name.parse(name), type }],
  answer: [],
  authority: [],
  additional: [],
  edns: { udpSize: 1232, version: 0, dnssecOk: true, options: [] },
  ...more,
});
