// Cases P53 and M60 of ../shared/spec/dane-cases.md: how long a verdict lives, and what it is bound to.
import t from 'tap';
import type { Authenticate } from '../../src/dane/plan.ts';
import { readTlsa } from '../../src/dane/tlsa.ts';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import { checkToken, makeToken, type Now } from '../../src/mta/verdict-token.ts';
import { CHAIN, EE, EE_OF_OTHER, MX, OTHER, one, play } from './deliver-support.ts';

const HOUR_MS = 3_600_000;
const DOMAIN = Name.parse('example.com');
const record = (text: string) => readTlsa(parseRdata('TLSA', text));
const plan = (more: Partial<Authenticate> = {}): Authenticate => ({
  tls: 'authenticate',
  host: Name.parse(MX),
  preference: 10,
  addresses: ['192.0.2.1'],
  baseDomain: Name.parse(MX),
  records: [record(EE), record(EE_OF_OTHER)],
  names: [Name.parse(MX), DOMAIN],
  halfDane: false,
  ...more,
});
const chain = CHAIN.map(({ der }) => der);
const token = makeToken({ domain: DOMAIN, plan: plan(), chain, expiresAt: 1000 });
const at = (more: Partial<Now> = {}): Now => ({
  domain: DOMAIN,
  plan: plan(),
  chain,
  now: 999,
  ...more,
});

t.test(
  'M60: a verdict holds for the same domain, records and key, and no longer than the records',
  (t) => {
    const cases: readonly [expect: string, claim: string, now: Now][] = [
      ['valid', 'nothing has changed', at()],
      [
        'valid',
        'the records come in another order',
        at({ plan: plan({ records: [record(EE_OF_OTHER), record(EE)] }) }),
      ],
      ['valid', 'names in other letters', at({ domain: Name.parse('EXAMPLE.com') })],
      ['expired', 'the records have expired', at({ now: 1000 })],
      [
        'other-domain',
        'another domain with the same host',
        at({ domain: Name.parse('example.net') }),
      ],
      ['other-records', 'a record less', at({ plan: plan({ records: [record(EE)] }) })],
      [
        'other-records',
        'the MX records are no longer signed',
        at({ plan: plan({ halfDane: true }) }),
      ],
      [
        'other-records',
        'the domain is no longer a name for the certificate',
        at({ plan: plan({ names: [Name.parse(MX)] }) }),
      ],
      [
        'other-base-domain',
        'TLSA elsewhere',
        at({ plan: plan({ baseDomain: Name.parse('host.example.net') }) }),
      ],
      [
        'other-demand',
        'no TLSA any more',
        at({
          plan: {
            tls: 'opportunistic',
            host: Name.parse(MX),
            preference: 10,
            addresses: [],
            why: 'no-tlsa',
          },
        }),
      ],
      ['other-key', 'another key', at({ chain: OTHER.map(({ der }) => der) })],
      ['other-key', 'no certificate, as in a resumed session', at({ chain: [] })],
    ];
    for (const [expect, claim, now] of cases) t.equal(checkToken(token, now), expect, claim);
    t.throws(
      () => makeToken({ domain: DOMAIN, plan: plan(), chain: [], expiresAt: 1 }),
      RangeError,
    );
    t.end();
  },
);

t.test(
  'P53: records that expire between look-up and RCPT: the old verdict holds for this connection only',
  async (t) => {
    let advance = (): void => {};
    const heard = (command: string): void => {
      if (command.startsWith('tls MAIL')) advance();
    };
    const scene = { zones: one(EE), hosts: { '192.0.2.1': { heard } } } as const;
    const played = await play(t, {
      ...scene,
      amend: (net) => {
        advance = () => net.clock.advance(2 * HOUR_MS);
        return net;
      },
    });
    t.strictSame(played.ends, ['delivered verified mx.example.com 2.0.0'], 'this connection');
    const [met] = played.mets.filter(({ kind }) => kind === 'attempt');
    if (
      met?.kind !== 'attempt' ||
      met.plan.tls !== 'authenticate' ||
      met.attempt.contact.kind !== 'handshake'
    )
      throw new Error('no handshake under DANE');
    const { plan: before, attempt } = met;
    const shown = attempt.contact.kind === 'handshake' ? attempt.contact.chain : [];
    const now = played.net.clock.now();
    const kept = makeToken({
      domain: DOMAIN,
      plan: before,
      chain: shown,
      expiresAt: now - HOUR_MS,
    });
    t.equal(
      checkToken(kept, { domain: DOMAIN, plan: before, chain: shown, now }),
      'expired',
      'no other',
    );
  },
);
