/**
 * Servers as `setServers` and `getServers` of `node:dns` write them: an address, with a port unless it is 53.
 * @module
 */
import { isIP } from 'node:net';
import type { ServerAddress } from '../environment.ts';

const DNS_PORT = 53;

export function printServer({ ip, port }: ServerAddress): string {
  if (port === DNS_PORT) return ip;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` and `[2001:db8::1]:5353`.
 * @throws TypeError for anything else
 */
export function readServer(text: string): ServerAddress {
  if (isIP(text)) return { ip: text, port: DNS_PORT };
  const [, v6, v4, digits = String(DNS_PORT)] =
    /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const [ip, port] = [v6 ?? v4 ?? '', Number(digits)];
  if (isIP(ip) !== (v6 ? 6 : 4) || port === 0 || port > 0xffff)
    throw new TypeError(
      `"${text}" is no address of a server: write 192.0.2.1, or [2001:db8::1]:5353`,
    );
  return { ip, port };
}
