/**
 * Every probe question of the lab, put by `dig` to `danelaw serve`: RCODE and AD as `lab.json` expects, and on each
 * SERVFAIL the codes of RFC 8914 that name the fault.
 *
 * Does not: judge what `danelaw query` says of the same names (probes.ts does).
 * @module
 */
import type { Crew } from './crew.ts';
import type { Lab, Probe } from './lab.ts';
import { expect } from './probes.ts';
import { each, type Score } from './score.ts';

const PORT = '5300';

/** As in probes.ts. */
const WIDTH = 2;

/** Postfix gives up a look-up after 10 to 15 seconds; a dead zone may take as long as that. */
const PATIENCE_S = 20;

/** RFC 8914 section 4. */
const OTHER = 0;
const BOGUS = 6;
const SIGNATURE_EXPIRED = 7;
const NOT_YET_VALID = 8;
const DNSKEY_MISSING = 9;
const RRSIGS_MISSING = 10;
const NO_ZONE_KEY_BIT = 11;
const NSEC_MISSING = 12;
const NO_REACHABLE_AUTHORITY = 22;

/**
 * By kind, the codes that its SERVFAIL carries, in order: what is wrong in particular, then that it is bogus. What each
 * kind breaks stands in the lab's gen/probes.mjs.
 */
const CODES: Readonly<Record<string, readonly number[]>> = {
  expired: [SIGNATURE_EXPIRED, BOGUS],
  dnskeyexpired: [SIGNATURE_EXPIRED, BOGUS],
  dsexpired: [SIGNATURE_EXPIRED, BOGUS],
  nsecexpired: [SIGNATURE_EXPIRED, BOGUS],
  nsec3expired: [SIGNATURE_EXPIRED, BOGUS],
  notyet: [NOT_YET_VALID, BOGUS],
  norrsig: [RRSIGS_MISSING, BOGUS],
  norrsigtlsa: [RRSIGS_MISSING, BOGUS],
  dnskeyunsigned: [RRSIGS_MISSING, BOGUS],
  // The one signature is another zone's, so that this zone has none.
  wrongsigner: [RRSIGS_MISSING, BOGUS],
  // Row 13 of ../shared/spec/adversarial.md: there is no DNSKEY that the signature could be by.
  wrongtag: [DNSKEY_MISSING, BOGUS],
  wrongalg: [DNSKEY_MISSING, BOGUS],
  wrongds: [DNSKEY_MISSING, BOGUS],
  // The key that the DS names has the REVOKE bit: none is left that matches.
  revoked: [DNSKEY_MISSING, BOGUS],
  // 40 keys under one tag before the right one: the first two of them are held against the DS, and do not match.
  keytrap: [DNSKEY_MISSING, BOGUS],
  nozonebit: [NO_ZONE_KEY_BIT, BOGUS],
  // Its zone key bit is set; for its protocol no code is registered.
  badproto: [BOGUS],
  badsig: [BOGUS],
  badsigtlsa: [BOGUS],
  badsigmx: [BOGUS],
  dsbadsig: [BOGUS],
  cnamebadsig: [BOGUS],
  nsecbadsig: [BOGUS],
  nsec3badsig: [BOGUS],
  nsecomit: [NSEC_MISSING, BOGUS],
  nsec3omit: [NSEC_MISSING, BOGUS],
  // Nobody can be asked, so nothing is bogus.
  alldead: [NO_REACHABLE_AUTHORITY],
  lame: [NO_REACHABLE_AUTHORITY],
  cnameloop: [OTHER],
};

/** What `dig` shows of a response. */
interface Shown {
  readonly rcode: string;
  readonly ad: boolean;
  readonly codes: readonly number[];
  readonly answers: number;
}

export async function runDaemon(crew: Crew, lab: Lab, score: Score): Promise<void> {
  await score.time('danelaw serve', () => startDaemon(crew, lab));
  await score.time('dig on the probes', () =>
    each(lab.file.probes, WIDTH, async (probe) =>
      scoreProbe(score, probe, await dig(crew, lab, probe)),
    ),
  );
  // What Postfix asks first, to see whether its resolver validates.
  const root = await dig(crew, lab, { q: '.', type: 'NS' });
  score.check('daemon', 'NS of the root has AD', root.rcode === 'NOERROR' && root.ad);
  await crew.release();
}

const startDaemon = (crew: Crew, lab: Lab): Promise<void> =>
  crew.start(lab.danelaw('serve', '--listen', `127.0.0.1:${PORT}`, '--no-ipv6'), {
    file: lab.path('run', 'daemon.out'),
    ready: (said) => said.includes('listening on'),
  });

async function dig(crew: Crew, lab: Lab, { q, type }: Pick<Probe, 'q' | 'type'>): Promise<Shown> {
  const options = ['+dnssec', '+tries=1', `+timeout=${PATIENCE_S}`];
  const command = ['dig', '@127.0.0.1', '-p', PORT, ...options, q, type];
  const { stdout } = await crew.run(lab.inside('res', command), {
    timeoutMs: 2 * PATIENCE_S * 1000,
  });
  const [, flags = '', answers = '0'] = /^;; flags: ([^;]*);.*ANSWER: (\d+)/m.exec(stdout) ?? [];
  return {
    rcode: /status: (\w+)/.exec(stdout)?.[1] ?? 'no response',
    ad: flags.split(' ').includes('ad'),
    codes: [...stdout.matchAll(/^; EDE: (\d+)/gm)].map(([, code]) => Number(code)),
    answers: Number(answers),
  };
}

function scoreProbe(score: Score, probe: Probe, shown: Shown): void {
  const { kind, q, type } = probe;
  const expected = expect(probe);
  const ad = expected.status === 'secure';
  const codes = expected.rcode.includes('SERVFAIL') ? CODES[kind] : undefined;
  const seen = `${shown.rcode}${shown.ad ? ' AD' : ''}, EDE ${shown.codes.join(' ') || 'none'}, ${shown.answers} records`;
  const claim = `${q} ${type} (${kind}) is ${expected.rcode.join(' or ')}${ad ? ' AD' : ''}`;
  const agrees = expected.rcode.includes(shown.rcode) && shown.ad === ad;
  score.check('daemon', claim, agrees, agrees ? undefined : seen);
  if (shown.rcode !== 'SERVFAIL') return;
  score.check('daemon', `${q} ${type}: nothing beside SERVFAIL`, !shown.ad && shown.answers === 0);
  const named = shown.codes.join(' ') === codes?.join(' ');
  const due = codes ? codes.join(' ') : 'a row in the table';
  score.check('daemon', `${q} ${type} (${kind}) has EDE ${due}`, named, named ? undefined : seen);
}
