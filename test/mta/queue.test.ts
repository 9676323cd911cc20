// Rows 18 and 46 of ../shared/spec/dane-decisions.md, case P28: what a queue does with what deliver has said.
import t from 'tap';
import type { RecipientEnd } from '../../src/mta/delivered.ts';
import { nextStep, QUEUE_TERMS, type Try } from '../../src/mta/queue.ts';
import { CHAIN, EE, OTHER, one, play, two, UNUSABLE } from './deliver-support.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUEUED = Date.UTC(2026, 10, 30);

const deferred = (dsn: string, retryAt?: number): RecipientEnd => ({
  kind: 'deferred',
  recipient: 'you@example.com',
  dsn,
  reason: 'dane-no-match',
  why: 'mx.example.com: no certificate matches a TLSA record',
  ...(retryAt !== undefined && { retryAt }),
});
const tries = (...list: readonly (readonly [afterMs: number, end: RecipientEnd])[]): Try[] =>
  list.map(([afterMs, end]) => ({ at: QUEUED + afterMs, end }));

t.test('decision 46: the end of the queue is a bounce with the last reason', (t) => {
  const history = tries([0, deferred('4.4.1')], [5 * DAY_MS, deferred('4.7.5')]);
  t.strictSame(nextStep(history, QUEUED), {
    kind: 'bounce',
    dsn: '5.7.5',
    why: 'mx.example.com: no certificate matches a TLSA record',
    because: 'expired',
  });
  t.match(nextStep(tries([5 * DAY_MS, deferred('4.4.3')]), QUEUED), { dsn: '5.4.3' });
  t.match(
    nextStep(tries([5 * DAY_MS - 1, deferred('4.7.5')]), QUEUED),
    { kind: 'retry', at: QUEUED + 5 * DAY_MS + 0 },
    'the last try is made when the time is over, not before',
  );
  t.end();
});

t.test(
  'P28: all hosts show a wrong certificate: deferred until the queue ends, then 5.7.5',
  async (t) => {
    const wrong = { '192.0.2.1': { chain: OTHER }, '192.0.2.2': { chain: OTHER } };
    const { delivered, net } = await play(t, { zones: two([EE], [EE]), hosts: wrong });
    const [end] = delivered.recipients;
    if (!end) throw new Error('no recipient');
    const queuedAt = net.clock.now();
    const first = nextStep([{ at: queuedAt, end }], queuedAt);
    t.equal(first.kind, 'retry');
    const late = queuedAt + QUEUE_TERMS.lifetimeMs;
    t.match(nextStep([{ at: late, end }], queuedAt), { kind: 'bounce', dsn: '5.7.5' });
  },
);

t.test(
  'decision 18: delivered without authentication is done; where DANE is demanded it waits and bounces',
  async (t) => {
    const scene = { zones: one(UNUSABLE), hosts: { '192.0.2.1': { chain: CHAIN } } };
    const { delivered, sessions } = await play(t, scene);
    const [end] = delivered.recipients;
    if (!end) throw new Error('no recipient');
    t.strictSame(nextStep([{ at: QUEUED, end }], QUEUED), { kind: 'done' });
    t.strictSame(
      sessions,
      ['tlsa mx.example.com tlsa-invalid all-tlsa-records-unusable'],
      'counted as a failure although delivered',
    );
    const demanded = await play(t, { ...scene, terms: { mandatoryDane: true } });
    const [kept] = demanded.delivered.recipients;
    if (!kept) throw new Error('no recipient');
    t.match(nextStep([{ at: QUEUED, end: kept }], QUEUED), { kind: 'retry' });
    const late = QUEUED + QUEUE_TERMS.lifetimeMs;
    t.match(nextStep([{ at: late, end: kept }], QUEUED), { kind: 'bounce', dsn: '5.7.5' });
  },
);

t.test(
  'S18: held mail is tried again when the TLSA records have expired, or as any other',
  async (t) => {
    const hour = QUEUED + HOUR_MS;
    const cases: readonly [claim: string, history: Try[], waitMs: number][] = [
      ['no hint: half an hour', tries([0, deferred('4.4.1')]), 30 * MINUTE_MS],
      ['then an hour', tries([0, deferred('4.4.1')], [1, deferred('4.4.1')]), 60 * MINUTE_MS + 1],
      [
        'records that last for ten minutes',
        tries([0, deferred('4.7.5', QUEUED + 10 * MINUTE_MS)]),
        10 * MINUTE_MS,
      ],
      [
        'for a second: five minutes at least',
        tries([0, deferred('4.7.5', QUEUED + 1000)]),
        5 * MINUTE_MS,
      ],
      [
        'for an hour: the certificate may be mended before',
        tries([0, deferred('4.7.5', hour)]),
        30 * MINUTE_MS,
      ],
      [
        'after ten tries: four hours',
        tries(...Array.from({ length: 10 }, () => [0, deferred('4.4.1')] as const)),
        4 * HOUR_MS,
      ],
    ];
    for (const [claim, history, waitMs] of cases)
      t.strictSame(nextStep(history, QUEUED), { kind: 'retry', at: QUEUED + waitMs }, claim);
    t.strictSame(nextStep([], QUEUED), { kind: 'retry', at: QUEUED }, 'a new message: at once');
    const zones = { 'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx 600 TLSA ${EE}`] };
    const { delivered, net } = await play(t, { zones, hosts: { '192.0.2.1': { chain: OTHER } } });
    const [end] = delivered.recipients;
    const left =
      end?.kind === 'deferred' && end.retryAt !== undefined ? end.retryAt - net.clock.now() : 0;
    t.ok(left > 590_000 && left <= 600_000, `deliver says when: ${left} ms of a TTL of 600 s`);
  },
);
