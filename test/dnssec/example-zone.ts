import { SHA1_ALGORITHMS } from '../../src/dnssec/algorithms.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
import { type Amendment, type Internet, internet, type Signing } from '../../src/testing/index.ts';
import { policy } from './support.ts';
import { contextOf, judgementOf, keysOf, settle, told, trustOf } from './world.ts';

export const ZONE = 'example.com';
export const WWW = 'www.example.com';
export const RECORDS = ['www A 192.0.2.80', 'www A 192.0.2.81', '@ MX 10 mail'];

export const zoneWith = (amendments: readonly Amendment[], signing: Signing = {}): Internet =>
  internet({ [ZONE]: { records: RECORDS, signing } }).amend(ZONE, ...amendments);

/** The published keys, taken for validated: then only the data's own signature is in question. */
export const believed = (net: Internet): ZoneTrust => ({
  status: 'secure',
  keys: keysOf(net, ZONE),
  ttl: 3600,
});

/** `www A` judged under the published keys: what it comes to, and how many signatures were computed. */
export function judgeData(net: Internet, { engine = nativeEngine as Engine, later = 0 } = {}) {
  const context = contextOf(net, { later, rules: policy(engine, SHA1_ALGORITHMS) });
  const trust = believed(net);
  const finding = settle(judgementOf(net, { zone: ZONE, name: WWW, type: 'A', trust, context }));
  return { ...told(finding), signatures: context.budget.used('signatures') };
}

/** The zone's own trust: DS against DNSKEY. */
export function judgeKeys(net: Internet, engine: Engine = nativeEngine) {
  const context = contextOf(net, { rules: policy(engine) });
  const trust = trustOf(net, ZONE, context);
  return { ...told(trust), signatures: context.budget.used('signatures') };
}
