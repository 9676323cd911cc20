/**
 * What the adapters' tests share: options that find a signed internet in memory and its SMTP servers on loopback.
 */
import type { Test } from 'tap';
import type { GateOptions } from '../../src/adapters/gate.ts';
import type { MailHost } from '../../src/testing/mailhost.ts';
import type { Scene } from '../mta/deliver-support.ts';
import { stage } from '../mta/relay-support.ts';
import { resolverOn } from '../resolver/support.ts';

export interface Setting {
  readonly options: GateOptions;
  readonly hosts: ReadonlyMap<string, MailHost>;
  readonly taken: () => readonly string[];
  /** Commands about mail, in clear or under TLS. */
  readonly mailCommands: () => readonly string[];
}

export async function settingOf(test: Test, scene: Scene): Promise<Setting> {
  const { parts, hosts, net } = await stage(test, scene);
  const { lookup: _, ...rest } = parts;
  return {
    options: { ...rest, resolver: resolverOn(net) },
    hosts,
    taken: () =>
      [...hosts].flatMap(([ip, { mails }]) =>
        mails.map(({ layer, to }) => `${ip} ${layer} ${to.join(' ')}`),
      ),
    mailCommands: () =>
      [...hosts.values()].flatMap(({ commands }) =>
        commands.filter((command) => /^(tls )?(MAIL|RCPT|DATA)/.test(command)),
      ),
  };
}
