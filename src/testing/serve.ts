/**
 * One query at one server: parsed, answered, amended, written.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import { type Message, parseMessage, writeMessage } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { Amendment, Request, Treatment } from './amendment.ts';
import { type Role, respond, SERVER_UDP_SIZE, zoneFor } from './authority.ts';
import type { Protocol, ServerReply } from './description.ts';
import type { Zone } from './zone.ts';

/** What every receiver takes over UDP without EDNS (RFC 1035 section 2.3.4). */
const PLAIN_UDP_SIZE = 512;

export interface Incoming {
  readonly query: Uint8Array;
  readonly server: string;
  readonly over: Protocol;
  readonly role: Role;
  readonly zones: readonly Zone[];
  readonly amendmentsOf: (zone: Name | undefined) => readonly Amendment[];
}

/** An exchange without time and place. */
export interface Seen {
  readonly zone: Name | undefined;
  readonly name: Name;
  readonly type: RRType;
  readonly result: string;
}

/** @returns the reply, and what to log; octets that are no query are met with silence */
export function serve(incoming: Incoming): { reply: ServerReply; seen: Seen | undefined } {
  const { server, over, role, zones, amendmentsOf } = incoming;
  const parsed = parseMessage(incoming.query);
  const [question] = parsed.kind === 'message' ? parsed.message.questions : [];
  if (parsed.kind === 'malformed' || !question)
    return { reply: { kind: 'packets', packets: [], delayMs: 0 }, seen: undefined };
  const query = parsed.message;
  const zone = zoneFor(zones, question);
  const amendments = amendmentsOf(zone?.name);
  const request: Request = { question, query, server, over };
  const right: Treatment = [respond(zones, query, role)];
  const amended = amendments.reduce<Treatment>(
    (replies, { reply }) => reply?.(replies, request) ?? replies,
    right,
  );
  const treatment = role === 'forwarder' ? asForwarded(amended, query) : amended;
  const delayMs = amendments.reduce((sum, amendment) => sum + (amendment.delayMs ?? 0), 0);
  const { name, type } = question;
  const reply = write(treatment, { over, query, delayMs });
  return {
    reply,
    seen: { zone: zone?.name, name: name.canonical, type, result: describe(treatment, reply) },
  };
}

/** A resolver that got nothing usable from the servers behind it says SERVFAIL. */
function asForwarded(treatment: Treatment, query: Message): Treatment {
  const [first] = treatment === 'unreachable' ? [] : treatment;
  if (first instanceof Uint8Array) return treatment;
  if (first && (first.rcode === 'NOERROR' || first.rcode === 'NXDOMAIN')) return treatment;
  const { edns } = query;
  return [{ ...respond([], query, 'forwarder'), rcode: 'SERVFAIL', edns }];
}

function write(
  treatment: Treatment,
  { over, query, delayMs }: { over: Protocol; query: Message; delayMs: number },
): ServerReply {
  if (treatment === 'unreachable') return { kind: 'unreachable', delayMs };
  const size = Math.min(query.edns?.udpSize ?? PLAIN_UDP_SIZE, SERVER_UDP_SIZE);
  const options = over === 'udp' ? { maxSize: size } : {};
  const packets = treatment.map((one) =>
    one instanceof Uint8Array ? one : writeMessage(one, options),
  );
  return { kind: 'packets', packets, delayMs };
}

/** What the log calls it. */
function describe(treatment: Treatment, reply: ServerReply): string {
  if (treatment === 'unreachable' || reply.kind === 'unreachable') return 'unreachable';
  const last = treatment.at(-1);
  if (!last) return 'silence';
  if (last instanceof Uint8Array) return 'other';
  const { rcode, answer, authority } = last;
  if (isTruncated(reply.packets.at(-1))) return 'truncated';
  if (rcode !== 'NOERROR') return rcode.toLowerCase();
  if (answer.length > 0) return 'answer';
  const [cut] = authority.filter(({ type }) => type === 'NS');
  const isReferral = cut && !authority.some(({ type }) => type === 'SOA');
  return isReferral ? `referral ${cut.owner}` : 'nodata';
}

/** TC as written: the size may have set it. */
const isTruncated = (packet: Uint8Array | undefined): boolean => ((packet?.[2] ?? 0) & 0x02) !== 0;
