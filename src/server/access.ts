/**
 * Who may ask, and where it is listened: this machine alone, unless somebody says otherwise.
 *
 * Does not: own a socket.
 * @module
 */
import { parseIPv4, parseIPv6 } from '../dns/address.ts';
import { liesIn, type Network } from '../dns/network.ts';
import type { ServerAddress } from '../environment.ts';

/** Where questions are taken if nothing else is said. */
export const DEFAULT_LISTENERS: readonly ServerAddress[] = [
  { ip: '127.0.0.1', port: 53 },
  { ip: '::1', port: 53 },
];

/** RFC 1122 section 3.2.1.3 (127.0.0.0/8) and RFC 4291 section 2.5.3 (::1), the first also as IPv6 sockets show it. */
export function isLoopback(ip: string): boolean {
  const four = parseIPv4(ip);
  if (four) return four[0] === LOOPBACK_NET;
  const six = parseIPv6(ip);
  if (!six) return false;
  const head = six.subarray(0, 10).every((octet) => octet === 0);
  if (head && six[10] === 0xff && six[11] === 0xff) return six[12] === LOOPBACK_NET;
  return six.every((octet, i) => octet === (i === 15 ? 1 : 0));
}

/** Whose questions are counted together: an address of the network, or nobody where it is this machine's. */
export const clientAt = (ip: string): string | undefined => (isLoopback(ip) ? undefined : ip);

/** Whether an address is one of the operator's clients. */
export function mayAsk(ip: string, allowed: readonly Network[]): boolean {
  const octets = parseIPv4(ip) ?? parseIPv6(ip);
  return octets !== undefined && allowed.some((network) => liesIn(octets, network));
}

const LOOPBACK_NET = 127;

/** Whether what is sent to `to` may come in at the listener `at`, however the addresses are spelled. */
export function leadsTo(to: ServerAddress, at: ServerAddress): boolean {
  if (to.port !== at.port) return false;
  const ip = canonical(to.ip);
  // Sent to no address in particular it goes to this machine, by loopback.
  return ip === canonical(at.ip) || (/^0(\.0)*$/.test(ip) && isLoopback(at.ip));
}

const canonical = (ip: string): string => {
  const octets = [...(parseIPv4(ip) ?? parseIPv6(ip) ?? [])];
  return octets.join('.').replace(/^(0\.){10}255\.255\./, ''); // IPv4-mapped
};
