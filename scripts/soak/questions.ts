/**
 * What the soak asks of the lab's internet, and what each question comes to: from `lab.json`, never from our own output.
 *
 * Does not: ask. The expectation is that of a network which loses nothing; what loss may change is verdict.ts's to say.
 * @module
 */
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { Status } from '../../src/dnssec/outcome.ts';
import type { Dice } from '../fuzz/dice.ts';
import type { Domain, LabFile, Provider } from '../interop/lab.ts';
import { expect } from '../interop/probes.ts';
import type { HostTruth, Truth } from '../scale/truth.ts';

export type Asked =
  | {
      readonly kind: 'lookup';
      readonly name: Name;
      readonly type: RRType;
      readonly expected: Status;
      /** Any of these, where the expectation is an answer. */
      readonly rcode: readonly string[];
    }
  | { readonly kind: 'plan'; readonly domain: Name; readonly truth: Truth };

/**
 * Names that do not exist, in all: enough that the ten minutes for which their absence is kept bring new ones each
 * second, few enough that the caches have met them all when memory is first judged.
 */
const ABSENT_NAMES = 3000;

/** Of a hundred questions; the others are for records of the domains. */
const PROBES = 25;
const PLANS = 25;
const ABSENT = 20;

/** One question after another, drawn at random. */
export function makeQuestions({ doms, probes, provs }: LabFile, dice: Dice): () => Asked {
  return () => {
    const draw = dice.below(100);
    if (draw < PROBES) {
      const probe = dice.pick(probes);
      const { status, rcode } = expect(probe);
      return lookup(probe.q, probe.type, status, rcode);
    }
    const domain = dice.pick(doms);
    if (draw < PROBES + PLANS)
      return { kind: 'plan', domain: Name.parse(domain.name), truth: truthOf(domain, provs) };
    if (draw >= PROBES + PLANS + ABSENT) return dice.pick(recordsOf(domain));
    const number = dice.below(Math.ceil(ABSENT_NAMES / doms.length));
    return lookup(`absent${number}.${domain.name}`, 'A', statusOf(domain), ['NXDOMAIN']);
  };
}

const lookup = (
  name: string,
  type: string,
  expected: Status,
  rcode: readonly string[],
): Asked & { kind: 'lookup' } => ({
  kind: 'lookup',
  name: Name.parse(name),
  type: type as RRType, // the lab writes mnemonics that it has from the registry
  expected,
  rcode,
});

/** A DS at a parent that is signed itself: the generator's `ds` says both. */
const statusOf = ({ ds }: Domain): 'secure' | 'insecure' => (ds ? 'secure' : 'insecure');

/** MX and both address types of the domain; where it has mail hosts of its own, those of the first and its TLSA. */
function recordsOf(domain: Domain): readonly Asked[] {
  const { name, own, tlsa, mx } = domain;
  const status = statusOf(domain);
  const [host = name] = mx;
  const answers = (['MX', 'A', 'AAAA'] as const).map((type) =>
    lookup(name, type, status, ['NOERROR']),
  );
  if (!own) return answers;
  return [
    ...answers,
    lookup(host, 'A', status, ['NOERROR']),
    lookup(`_25._tcp.${host}`, 'TLSA', status, [tlsa ? 'NOERROR' : 'NXDOMAIN']),
  ];
}

/** RFC 7672 section 2.2 over what the generator has put into the zones. */
export function truthOf(domain: Domain, provs: readonly Provider[]): Truth {
  const provider = domain.prov === null ? undefined : provs[domain.prov];
  const host: HostTruth = !domain.ds
    ? 'insecure-mx'
    : provider && !provider.signed
      ? 'insecure-address'
      : (provider?.tlsa ?? domain.tlsa)
        ? 'authenticate'
        : 'no-tlsa';
  return { kind: 'hosts', hosts: new Map(domain.mx.map((name) => [`${name}.`, host])) };
}
