/**
 * Sockets that the service manager has opened (systemd's socket activation): a door.
 *
 * They are file descriptors from 3 on, counted in LISTEN_FDS and meant for the process in LISTEN_PID (sd_listen_fds(3)).
 * What each of them is stands in /proc. Does not: read from them (listen-udp.ts, listen-tcp.ts).
 * @module
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { env, pid } from 'node:process';

export interface PassedSocket {
  readonly fd: number;
  readonly over: 'udp' | 'tcp';
  readonly family: 4 | 6;
}

export type PassedSockets =
  | { readonly kind: 'sockets'; readonly sockets: readonly PassedSocket[] }
  /** One of them is neither UDP nor TCP. */
  | { readonly kind: 'refused'; readonly why: string };

const FIRST_FD = 3;
/** More than anybody has addresses for. */
const MAX_PASSED = 64;

const TABLES = [
  { file: 'udp', over: 'udp', family: 4 },
  { file: 'udp6', over: 'udp', family: 6 },
  { file: 'tcp', over: 'tcp', family: 4 },
  { file: 'tcp6', over: 'tcp', family: 6 },
] as const;

/** None where nothing was passed to this very process. */
export function passedSockets(): PassedSockets {
  const count = Number(env.LISTEN_FDS);
  if (env.LISTEN_PID !== String(pid) || !(count > 0)) return { kind: 'sockets', sockets: [] };
  if (count > MAX_PASSED) return { kind: 'refused', why: `${count} sockets are too many` };
  const fds = Array.from({ length: count }, (_, i) => FIRST_FD + i);
  const sockets = fds.map(lookAt);
  const odd = sockets.indexOf(undefined);
  if (odd >= 0)
    return { kind: 'refused', why: `file descriptor ${fds[odd]} is no UDP or TCP socket` };
  return { kind: 'sockets', sockets: sockets.filter((one) => one !== undefined) };
}

function lookAt(fd: number): PassedSocket | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    const table = TABLES.find(({ file }) => inode !== undefined && inodesIn(file).includes(inode));
    return table && { fd, over: table.over, family: table.family };
  } catch {
    return undefined; // closed, or a system without /proc
  }
}

/** The tenth column of each line. */
const inodesIn = (file: string): readonly (string | undefined)[] =>
  readFileSync(`/proc/self/net/${file}`, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[9]);
