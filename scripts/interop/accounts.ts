/**
 * The accounts that Debian's mail servers want, for programs that are unpacked and not installed: bind mounts in a mount
 * namespace of their own, as the lab's delivery rig does it for the sending side.
 * @module
 */
import { appendFileSync, chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The numbers are the delivery rig's. */
export const POSTFIX = 64251;
export const POSTDROP = 64253;
export const EXIM = 64252;

/** Writes the files below `home`, and a script that runs its arguments with them in place of the machine's. */
export function makeAccounts(home: string): string {
  const etc = join(home, 'etc');
  mkdirSync(etc, { recursive: true });
  for (const file of ['passwd', 'group']) cpSync(join('/etc', file), join(etc, file));
  writeFileSync(join(etc, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  for (const [name, id] of [
    ['postfix', POSTFIX],
    ['Debian-exim', EXIM],
  ] as const) {
    account(join(etc, 'passwd'), name, `x:${id}:${id}::/nonexistent:/usr/sbin/nologin`);
    account(join(etc, 'group'), name, `x:${id}:`);
  }
  account(join(etc, 'group'), 'postdrop', `x:${POSTDROP}:`);
  const mounts = `for f in resolv.conf passwd group; do mount --bind "${etc}/$f" "/etc/$f" || exit 1; done`;
  const script = join(home, 'in');
  writeFileSync(script, `#!/bin/sh\n${mounts}\nexec "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

/** Puts our line for an account in place of the machine's, so that the numbers are known. */
function account(file: string, name: string, rest: string): void {
  const others = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(`${name}:`));
  writeFileSync(file, `${others.join('\n')}\n`);
  appendFileSync(file, `${name}:${rest}\n`);
}
