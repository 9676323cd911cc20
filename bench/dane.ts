/**
 * What it costs to judge a chain that has been received, and to decide by it: octets in, decision out.
 *
 * Counted is processor time, for other work on the machine takes none of it; wall time stands beside it. Authorities that
 * were met before have their keys imported and their own certificates' signatures remembered, so that a leaf costs one
 * signature; with those that were not, a path of three costs two keys and two signatures.
 * @module
 */
import { decide } from '../src/dane/decision.ts';
import type { Authenticate, DeliveryPlan } from '../src/dane/plan.ts';
import { readTlsa, type Tlsa } from '../src/dane/tlsa.ts';
import { verifyPeer } from '../src/dane/verify.ts';
import { Name } from '../src/dns/name.ts';
import { parseZone } from '../src/dns/zone-file.ts';
import {
  type CertificateKey,
  type IssuedCertificate,
  issue,
  tlsaFor,
} from '../src/testing/certificates.ts';

const HOST = Name.parse('mx.example.com');
const DOMAIN = Name.parse('example.com');
/** For each case: enough for two figures. */
const SECONDS = 2;
/** Rounds between two looks at the clock. */
const BATCH = 100;

/** A leaf, what signed it, and the root above: as received, in octets of their own. */
function makeChain(key: CertificateKey): readonly IssuedCertificate[] {
  const root = issue({ kind: 'authority', subject: 'Root', key });
  const middle = issue({ kind: 'authority', subject: 'Intermediate', key }, root);
  return [issue({ subject: 'mx', names: ['mx.example.com'], key }, middle), middle, root];
}

function recordOf(text: string): Tlsa {
  const zone = parseZone(`_25._tcp.mx.example.com. 300 TLSA ${text}\n`);
  const [record] = zone.kind === 'errors' ? [] : zone.records;
  if (!record) throw new TypeError(text);
  return readTlsa(record.rdata);
}

/** More authorities than are remembered. */
const STRANGERS = 300;

/** Rounds with a chain each, in turn. */
function makeRounds({ key, usage, selector, authorities }: Row): () => string {
  const count = authorities === 'met before' ? 1 : STRANGERS;
  const rounds = Array.from({ length: count }, () => {
    const chain = makeChain(key);
    return makeRound(chain, recordOf(tlsaFor(chain, usage, selector, 1)));
  });
  let turn = 0;
  return () => {
    turn = (turn + 1) % count;
    return rounds[turn]?.() ?? '';
  };
}

/** One round: the chain is judged by the records, and the delivery decided. */
function makeRound(chain: readonly IssuedCertificate[], record: Tlsa): () => string {
  const names = [HOST, DOMAIN];
  const host: Authenticate = {
    tls: 'authenticate',
    host: HOST,
    preference: 10,
    addresses: ['192.0.2.1'],
    baseDomain: HOST,
    records: [record],
    names,
    halfDane: false,
  };
  const security = { status: 'secure' } as const;
  const route = { via: 'mx', domain: DOMAIN, expanded: DOMAIN, security } as const;
  const plan: DeliveryPlan = { kind: 'deliver', route, hosts: [host], surplus: 0 };
  const now = Date.now();
  return () => {
    const received = chain.map(({ der }) => Uint8Array.from(der));
    const verdict = verifyPeer({ records: [record], chain: received, names, now });
    const contact = {
      kind: 'handshake',
      chain: received,
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      greeting: '220 mx',
    } as const;
    const attempt = { address: '192.0.2.1', contact, verdict, milliseconds: 1 };
    return decide(plan, [{ host: HOST, attempts: [attempt] }]).action;
  };
}

function measure(round: () => string): { perCpuSecond: number; perSecond: number } {
  for (let i = 0; i < 10 * BATCH; i += 1) round(); // the compiler's
  const [start, before] = [performance.now(), process.cpuUsage()];
  let rounds = 0;
  let spent = 0;
  while (spent < SECONDS * 1e6) {
    for (let i = 0; i < BATCH; i += 1) round();
    rounds += BATCH;
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
  return {
    perCpuSecond: rounds / (spent / 1e6),
    perSecond: rounds / ((performance.now() - start) / 1000),
  };
}

interface Row {
  readonly key: CertificateKey;
  readonly usage: 2 | 3;
  readonly selector: 0 | 1;
  readonly authorities: 'met before' | 'new';
  /** Rounds per second of one core; the aims are the project's. */
  readonly wanted?: number;
}

const EE = { usage: 3, selector: 1, authorities: 'met before', wanted: 20_000 } as const;
const TA = { usage: 2, selector: 0, wanted: 2000 } as const;
const ROWS: readonly Row[] = [
  { ...EE, key: 'P-256' },
  { ...EE, key: 'rsa' },
  { ...TA, key: 'P-256', authorities: 'met before' },
  { ...TA, key: 'rsa', authorities: 'met before' },
  { ...TA, key: 'P-256', authorities: 'new' },
];

export function benchDane(): void {
  console.log(
    '\nchains of three, judged and decided: per second of processor time, and of the clock',
  );
  console.log('TLSA   keys   authorities      processor   clock  wanted');
  for (const row of ROWS) {
    const round = makeRounds(row);
    const action = round();
    if (action !== 'deliver-authenticated') throw new Error(`${JSON.stringify(row)}: ${action}`);
    const { perCpuSecond, perSecond } = measure(round);
    const cells = [
      `${row.usage} ${row.selector} 1`.padEnd(6),
      row.key.padEnd(6),
      row.authorities.padEnd(16),
      String(Math.round(perCpuSecond)).padStart(9),
      String(Math.round(perSecond)).padStart(7),
      String(row.wanted ?? '').padStart(7),
    ];
    console.log(cells.join(' '));
  }
}
