// What the library's `deliver` fills in by itself: Node's clock, sockets and authorities, DANE and MTA-STS on.
import t from 'tap';
import { createResolver, deliver, parseAnchors, parseHints } from '../../src/index.ts';
import { internet } from '../../src/testing/internet.ts';
import { startMailHost } from '../../src/testing/mailhost.ts';
import { CHAIN, EE, EE_OF_OTHER, MX, NOW, one, show } from './deliver-support.ts';

t.test('the library delivers by DANE with nothing but a message and a domain', async (t) => {
  const host = await startMailHost({ name: MX, chain: CHAIN });
  t.teardown(() => host.close());
  const data = new TextEncoder().encode('Subject: x\r\n\r\nhello\r\n');
  const message = { from: 'me@sender.example', to: ['you@example.com'], data };
  const endOf = async (...records: readonly string[]): Promise<string> => {
    const net = internet(one(...records), { now: NOW });
    const [hints, anchors] = [parseHints(net.hints), parseAnchors(net.anchors)];
    if (hints.kind === 'errors' || anchors.kind === 'errors') throw new Error('a broken internet');
    const resolver = createResolver({
      environment: net,
      hints: hints.nameservers,
      anchors: anchors.anchors,
      priming: 'off',
    });
    const { recipients } = await deliver(message, 'example.com', {
      resolver,
      dial: () => host.address,
    });
    return recipients.map(show).join();
  };
  t.equal(await endOf(EE), 'delivered verified mx.example.com 2.0.0');
  t.equal(await endOf(EE_OF_OTHER), 'deferred 4.7.5 dane-no-match mx.example.com');
  t.equal(host.mails.length, 1);
  t.match(host.commands[0], /^EHLO \S+$/, "by this machine's name");
  await t.rejects(deliver(message, 'a b'), TypeError, 'a next hop that is none');
});
