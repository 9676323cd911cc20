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

/** Of a hundred questions; the others are for records of the domains. */
const PROBES = 25;
const PLANS = 25;
const ABSENT = 20;

/**
 * One question after another: at first each that there is once, so that memory is judged when all of them have been met,
 * then at random.
 */
export function makeQuestions({ doms, probes, provs }: LabFile, dice: Dice): () => Asked {
  const probed = probes.map((probe): Asked => {
    const { status, rcode } = expect(probe);
    return lookup(probe.q, probe.type, status, rcode);
  });
  const plans = doms.map(
    (domain): Asked => ({
      kind: 'plan',
      domain: Name.parse(domain.name),
      truth: truthOf(domain, provs),
    }),
  );
  const absent = doms.map((domain) =>
    lookup(`absent.${domain.name}`, 'A', statusOf(domain), ['NXDOMAIN']),
  );
  const records = doms.flatMap(recordsOf);
  const first = [...probed, ...plans, ...absent, ...records].values();
  return () => {
    const next = first.next();
    if (!next.done) return next.value;
    const draw = dice.below(100);
    if (draw < PROBES) return dice.pick(probed);
    if (draw < PROBES + PLANS) return dice.pick(plans);
    return dice.pick(draw < PROBES + PLANS + ABSENT ? absent : records);
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
