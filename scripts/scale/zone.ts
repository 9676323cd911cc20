/**
 * One zone of the model: what its servers say to a question, with proofs that are true of the whole model.
 *
 * NSEC3 records span no more than they must (RFC 7129 appendix B): a chain of a million hashes need not be known, and
 * nothing is denied that exists. Does not: sign (signing.ts), or know who there is (internet.ts).
 * @module
 */
import { base32hex } from '../../src/dns/radix.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import {
  type Asked,
  bitmap,
  label,
  type Packet,
  type Section,
  TYPE,
  u16,
  u32,
  type Wire,
} from './packet.ts';
import { type Keys, rrsig, type Times } from './signing.ts';

export interface RRset {
  readonly type: number;
  readonly ttl: number;
  readonly rdata: readonly Wire[];
}

/** A name with data, or an empty non-terminal. */
export interface Node {
  readonly name: Wire;
  readonly labels: number;
  readonly sets: readonly RRset[];
}

/** A zone below, as its parent shows it. */
export interface Delegation {
  readonly name: Wire;
  readonly labels: number;
  readonly ns: readonly Wire[];
  readonly glue: readonly (readonly [host: Wire, address: Wire])[];
  readonly ds: Wire | undefined;
}

/** What follows a name in canonical order, or precedes one that does not exist. */
export interface Neighbours {
  /** The name before `name`, with its types. */
  before(name: Wire): {
    readonly name: Wire;
    readonly labels: number;
    readonly types: readonly number[];
  };
  after(name: Wire): Wire;
}

export interface Zone {
  readonly apex: Wire;
  readonly labels: number;
  readonly keys: Keys | undefined;
  readonly denial: 'nsec' | 'nsec3';
  readonly optOut: boolean;
  readonly negativeTtl: number;
  readonly find: (name: Wire) => Node | undefined;
  /** The delegation at or above the name. */
  readonly below: (name: Wire) => Delegation | undefined;
  readonly neighbours: Neighbours;
}

/** A day, in seconds. */
export const DAY_S = 86_400;

/** Writes the reply of one zone to one question. */
export class Speaker {
  readonly #packet: Packet;
  readonly #zone: Zone;
  readonly #times: Times;

  constructor(packet: Packet, zone: Zone, times: Times) {
    this.#packet = packet;
    this.#zone = zone;
    this.#times = times;
  }

  answer({ name, type }: Asked): void {
    const { apex, below, find } = this.#zone;
    const delegation = below(name);
    if (delegation) {
      if (delegation.name === name && type === TYPE.DS) this.#answerDs(delegation);
      else this.#refer(delegation);
      return;
    }
    const node = find(name);
    if (!node) {
      this.#absent(name);
      return;
    }
    const set = node.sets.find((one) => one.type === type);
    const alias = set ? undefined : node.sets.find((one) => one.type === TYPE.CNAME);
    if (set) this.#signed('answer', node, set);
    else if (alias) this.#signed('answer', node, alias);
    else {
      this.#soa();
      this.#deny(node, name === apex);
    }
  }

  #signed(section: Section, { name, labels }: Pick<Node, 'name' | 'labels'>, set: RRset): void {
    const { keys, apex } = this.#zone;
    const { type, ttl } = set;
    for (const rdata of set.rdata) this.#packet.record(section, name, type, ttl, rdata);
    if (!keys) return;
    const signature = rrsig(keys, apex, { type, labels, ttl }, this.#times);
    this.#packet.record(section, name, TYPE.RRSIG, ttl, signature);
  }

  #refer(delegation: Delegation): void {
    const { name, ns, glue, ds } = delegation;
    this.#packet.dropAuthority();
    for (const host of ns) this.#packet.record('authority', name, TYPE.NS, DAY_S, host);
    if (ds !== undefined) this.#signed('authority', delegation, dsSet(ds));
    else this.#denyDs(delegation);
    for (const [host, address] of glue)
      this.#packet.record('additional', host, TYPE.A, DAY_S, address);
  }

  #answerDs(delegation: Delegation): void {
    if (delegation.ds !== undefined) this.#signed('answer', delegation, dsSet(delegation.ds));
    else {
      this.#soa();
      this.#denyDs(delegation);
    }
  }

  #soa(): void {
    const { apex, labels, negativeTtl } = this.#zone;
    this.#signed('authority', { name: apex, labels }, soaSet(apex, negativeTtl));
  }

  /** The name exists and has other types. */
  #deny({ name, labels, sets }: Node, isApex: boolean): void {
    const { keys, denial } = this.#zone;
    if (!keys) return;
    const types = sets.map(({ type }) => type);
    if (denial === 'nsec3') this.#nsec3(name, isApex ? [...types, 51] : types, 'match');
    else if (sets.length === 0)
      this.#nsecBefore(name); // an empty non-terminal shows in what lies below it
    else this.#nsec({ name, labels, types });
  }

  /** The delegation is not signed. */
  #denyDs({ name, labels }: Delegation): void {
    const { keys, denial, optOut, apex } = this.#zone;
    if (!keys) return;
    if (denial === 'nsec') this.#nsec({ name, labels, types: [TYPE.NS] });
    else if (!optOut) this.#nsec3(name, [TYPE.NS], 'match');
    else {
      this.#nsec3(apex, APEX_TYPES, 'match');
      this.#nsec3(name, [], 'cover');
    }
  }

  #absent(name: Wire): void {
    const { keys, denial, apex, find } = this.#zone;
    this.#packet.rcode(3);
    this.#soa();
    if (!keys) return;
    let nextCloser = name;
    let encloser = parentOf(name);
    while (encloser.length > apex.length && !find(encloser)) {
      nextCloser = encloser;
      encloser = parentOf(encloser);
    }
    const wildcard = label('*') + encloser;
    if (denial === 'nsec') {
      const cover = this.#nsecBefore(name);
      if (this.#zone.neighbours.before(wildcard).name !== cover) this.#nsecBefore(wildcard);
      return;
    }
    const types = find(encloser)?.sets.map(({ type }) => type) ?? APEX_TYPES;
    this.#nsec3(encloser, types, 'match');
    this.#nsec3(nextCloser, [], 'cover');
    this.#nsec3(wildcard, [], 'cover');
  }

  #nsecBefore(name: Wire): Wire {
    const before = this.#zone.neighbours.before(name);
    this.#nsec(before);
    return before.name;
  }

  #nsec({ name, labels, types }: { name: Wire; labels: number; types: readonly number[] }): void {
    const { neighbours, negativeTtl } = this.#zone;
    const rdata = neighbours.after(name) + bitmap([...types, TYPE.RRSIG, TYPE.NSEC]);
    this.#signed(
      'authority',
      { name, labels },
      { type: TYPE.NSEC, ttl: negativeTtl, rdata: [rdata] },
    );
  }

  /** The record of the name's hash, or one that spans it and nothing else. */
  #nsec3(name: Wire, types: readonly number[], kind: 'match' | 'cover'): void {
    const { apex, labels, optOut, negativeTtl } = this.#zone;
    const hash = nativeEngine.hash('sha1', Buffer.from(name, 'latin1'));
    const owner = kind === 'match' ? hash : moved(hash, -1);
    const next = Buffer.from(moved(hash, 1)).toString('latin1');
    const map = types.length > 0 ? bitmap([...types, TYPE.RRSIG]) : bitmap([TYPE.RRSIG]);
    // SHA-1, flags, no iterations, no salt.
    const rdata = `\x01${optOut ? '\x01' : '\0'}\0\0\0\x14${next}${map}`;
    this.#signed(
      'authority',
      { name: label(base32hex.print(owner).toLowerCase()) + apex, labels: labels + 1 },
      { type: TYPE.NSEC3, ttl: negativeTtl, rdata: [rdata] },
    );
  }
}

const APEX_TYPES = [TYPE.NS, TYPE.SOA, TYPE.DNSKEY, 51] as const;
const dsSet = (ds: Wire): RRset => ({ type: TYPE.DS, ttl: DAY_S, rdata: [ds] });
export const soaSet = (apex: Wire, ttl: number): RRset => ({
  type: TYPE.SOA,
  ttl,
  rdata: [`${apex}${apex}${u32(1)}${u32(7200)}${u32(3600)}${u32(1_209_600)}${u32(ttl)}`],
});
export const mxRdata = (preference: number, host: Wire): Wire => u16(preference) + host;

export const parentOf = (name: Wire): Wire => name.slice(1 + name.charCodeAt(0));

/** A hash one up or down; of 20 octets the carry never gets past the last few. */
function moved(hash: Uint8Array, by: 1 | -1): Uint8Array {
  const octets = Uint8Array.from(hash);
  for (let i = octets.length - 1; i >= 0; i -= 1) {
    const sum = (octets[i] ?? 0) + by;
    octets[i] = sum & 255;
    if (sum >= 0 && sum <= 255) break;
  }
  return octets;
}
