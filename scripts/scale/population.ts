/**
 * Who there is: top-level zones, providers and destinations, in the proportions of the lab (`../shared/lab/gen/gen.mjs`).
 *
 * Everything about a destination follows from the seed and its number, so that nothing has to be kept. Does not: know
 * messages.
 * @module
 */
import { Chance, mix } from './dice.ts';
import type { HostTruth, Truth } from './truth.ts';

export type Denial = 'nsec' | 'nsec3';

export interface Tld {
  readonly index: number;
  readonly name: string;
  /** 0: unsigned. */
  readonly algorithm: number;
  readonly denial: Denial;
  readonly optOut: boolean;
  readonly weight: number;
}

/** As in the lab: name, algorithm, denial, share of the domains. */
const ROWS: readonly (readonly [string, number, 'nsec' | 'nsec3' | 'opt-out', number])[] = [
  ['alfa', 13, 'opt-out', 34],
  ['bravo', 8, 'opt-out', 9],
  ['charlie', 8, 'nsec3', 8],
  ['delta', 13, 'nsec3', 7],
  ['echo', 13, 'nsec', 6],
  ['foxtrot', 8, 'nsec', 5],
  ['golf', 14, 'nsec3', 2],
  ['hotel', 14, 'nsec', 2],
  ['india', 15, 'nsec3', 2],
  ['juliett', 15, 'nsec', 2],
  ['kilo', 16, 'nsec3', 1],
  ['lima', 16, 'nsec', 1],
  ['mike', 10, 'opt-out', 2],
  ['november', 10, 'nsec', 2],
  ['oscar', 13, 'opt-out', 4],
  ['papa', 8, 'opt-out', 4],
  ['quebec', 0, 'nsec', 2],
  ['romeo', 0, 'nsec', 1],
  ['sierra', 0, 'nsec', 1],
  ['tango', 13, 'opt-out', 5],
];

export const TLDS: readonly Tld[] = ROWS.map(([name, algorithm, denial, weight], index) => ({
  index,
  name,
  algorithm,
  denial: denial === 'nsec' ? 'nsec' : 'nsec3',
  optOut: denial === 'opt-out',
  weight,
}));
const TLD_WEIGHTS = cumulate(TLDS.map(({ weight }) => weight));
const SIGNED_TLDS = TLDS.filter(({ algorithm }) => algorithm > 0);
const SIGNED_WEIGHTS = cumulate(SIGNED_TLDS.map(({ weight }) => weight));
/** Where two of three providers are. */
const HOST_TLD = TLDS[19] as Tld;

export const ALGORITHMS = [13, 8, 15, 14, 10, 16] as const;
const ALGORITHM_WEIGHTS = cumulate([64, 24, 4, 3, 3, 2]);

/** The lab has 40 for some thousand domains; a million is spread over more, with the same exponent. */
export const PROVIDERS = 2000;
const ZIPF = 0.9;

export interface Provider {
  readonly kind: 'provider';
  readonly number: number;
  readonly tld: Tld;
  readonly label: string;
  readonly algorithm: number;
  readonly hasDs: boolean;
  readonly denial: Denial;
  readonly isSplit: boolean;
  readonly tlsa: 'none' | 'own' | 'alias' | 'alias-elsewhere';
  readonly hosts: number;
}

export interface Domain {
  readonly kind: 'domain';
  readonly number: number;
  readonly tld: Tld;
  readonly label: string;
  /** 0: unsigned. */
  readonly algorithm: number;
  /** Signed, and a DS in a signed top-level zone. */
  readonly hasDs: boolean;
  readonly denial: Denial;
  readonly isSplit: boolean;
  /** Name servers of its own, or those of this provider. */
  readonly dns: 'self' | Provider;
  /** MX hosts of its own, or those of this provider. */
  readonly mail: 'own' | Provider;
  readonly hasTlsa: boolean;
  readonly hosts: number;
  /** The destination asked for is a mistyped name next to this one, and does not exist. */
  readonly isMistyped: boolean;
}

export type Owner = Domain | Provider;

/** Of the destinations: what users mistype. */
const MISTYPED = 0.01;

export class Population {
  readonly size: number;
  readonly #seed: number;
  /** Where the numbers of each top-level zone's domains end. */
  readonly #ends: readonly number[];
  readonly #providers: Provider[] = [];
  readonly #providerWeights: readonly number[];

  constructor(size: number, seed: number) {
    this.size = size;
    this.#seed = seed;
    const total = TLD_WEIGHTS.at(-1) ?? 1;
    this.#ends = TLD_WEIGHTS.map((weight) => Math.round((size * weight) / total));
    this.#providerWeights = cumulate(
      Array.from({ length: PROVIDERS }, (_, i) => 1 / (i + 1) ** ZIPF),
    );
    for (let i = 0; i < PROVIDERS; i += 1) this.#providers.push(providerOf(i, seed));
  }

  provider(number: number): Provider | undefined {
    return this.#providers[number];
  }

  domain(number: number): Domain {
    const tld = TLDS[this.#ends.findIndex((end) => number < end)] ?? HOST_TLD;
    const chance = new Chance(mix(this.#seed, number));
    const isSigned = chance.next() < 0.6;
    const isOwn = chance.next() < 0.45;
    const isSelf = chance.next() < 0.2;
    const dns = this.#draw(chance);
    const provider = this.#draw(chance);
    const algorithm = drawAlgorithm(chance);
    const isSplit = chance.next() < 0.35;
    const denial = chance.next() < 0.45 ? 'nsec' : 'nsec3';
    const hasTlsa = isOwn && chance.next() < 0.75;
    const hosts = isOwn && chance.next() < 0.7 ? 1 : 2;
    return {
      kind: 'domain',
      number,
      tld,
      label: `d${String(number - this.#startOf(tld)).padStart(7, '0')}`,
      algorithm: isSigned ? algorithm : 0,
      hasDs: isSigned && tld.algorithm > 0,
      denial,
      isSplit,
      dns: isSelf ? 'self' : dns,
      mail: isOwn ? 'own' : provider,
      hasTlsa,
      hosts,
      isMistyped: chance.next() < MISTYPED,
    };
  }

  /** By the number within its top-level zone; `undefined` where that has fewer. */
  domainAt(tld: Tld, place: number): Domain | undefined {
    const number = this.#startOf(tld) + place;
    const isIn = place >= 0 && number < (this.#ends[tld.index] ?? 0);
    return isIn ? this.domain(number) : undefined;
  }

  #startOf({ index }: Tld): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  #draw(chance: Chance): Provider {
    return this.#providers[drawFrom(this.#providerWeights, chance)] as Provider; // it draws within
  }
}

function providerOf(number: number, seed: number): Provider {
  const chance = new Chance(mix(seed ^ 0x5eed, number));
  const drawn = SIGNED_TLDS[drawFrom(SIGNED_WEIGHTS, chance)] ?? HOST_TLD;
  const isSigned = number % 5 !== 4;
  return {
    kind: 'provider',
    number,
    tld: number % 3 === 2 ? drawn : HOST_TLD,
    label: `prov${String(number).padStart(4, '0')}`,
    algorithm: isSigned ? ([13, 8, 13, 13, 13, 13][number] ?? drawAlgorithm(chance)) : 0,
    hasDs: isSigned,
    denial: chance.next() < 0.4 ? 'nsec' : 'nsec3',
    isSplit: true,
    tlsa:
      number % 3 === 1
        ? 'none'
        : number % 7 === 3
          ? 'alias'
          : number % 7 === 5
            ? 'alias-elsewhere'
            : 'own',
    hosts: 2 + (number % 3),
  };
}

/** MX hosts of a domain. */
export const hostsOf = ({ mail, hosts }: Domain): number =>
  mail === 'own' ? hosts : Math.min(2, mail.hosts);

export const nameOf = ({ label, tld }: Owner): string => `${label}.${tld.name}.`;

/** The name that is planned for. */
export const destinationOf = (domain: Domain): string =>
  domain.isMistyped ? `${domain.label}x.${domain.tld.name}.` : nameOf(domain);

/** What a delivery plan must come to: RFC 7672 section 2.2. */
export function truthOf(domain: Domain): Truth {
  if (domain.isMistyped) return { kind: 'refused', why: 'no-such-domain' };
  const { mail } = domain;
  const site = mail === 'own' ? domain : mail;
  const truth = hostTruth(domain);
  const names = Array.from({ length: hostsOf(domain) }, (_, i) => `mx${i + 1}.${nameOf(site)}`);
  return { kind: 'hosts', hosts: new Map(names.map((name) => [name, truth])) };
}

function hostTruth({ hasDs, mail, hasTlsa }: Domain): HostTruth {
  if (!hasDs) return 'insecure-mx';
  if (mail === 'own') return hasTlsa ? 'authenticate' : 'no-tlsa';
  if (!mail.hasDs) return 'insecure-address';
  return mail.tlsa === 'none' ? 'no-tlsa' : 'authenticate';
}

function cumulate(weights: readonly number[]): readonly number[] {
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}

/** The place of a weight, drawn by weight. */
function drawFrom(cumulated: readonly number[], chance: Chance): number {
  const drawn = chance.next() * (cumulated.at(-1) ?? 0);
  let [low, high] = [0, cumulated.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulated[middle] ?? 0) > drawn) high = middle;
    else low = middle + 1;
  }
  return low;
}

const drawAlgorithm = (chance: Chance): number =>
  ALGORITHMS[drawFrom(ALGORITHM_WEIGHTS, chance)] ?? 13;
