/**
 * One zone of the testing internet on its way from description to servers: planned, signed, amended.
 *
 * Does not: know its neighbours. Delegations, glue and addresses of hosts come from internet.ts as records.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import type { Amendment, SignedZone, ZonePlan } from './amendment.ts';
import type { Nsec3Options, Signing, ZoneDescription } from './description.ts';
import { dsOf, type SigningKey, signingKey } from './keys.ts';
import { type SigningTimes, signRRset, signZone } from './signer.ts';
import { collectSets, coveredType, readLines, Zone } from './zone.ts';

/** A name server: its name and where it listens. */
export interface Host {
  readonly name: Name;
  readonly addresses: readonly string[];
}

export interface Site {
  readonly name: Name;
  readonly description: ZoneDescription;
  readonly hosts: readonly Host[];
  readonly amendments: Amendment[];
}

/**
 * What will be signed, and with which keys.
 * @param around  records that the zone's place in the tree asks for: delegations, glue, addresses of name servers
 */
export function planSite(site: Site, around: readonly RR[]): ZonePlan {
  const { name, description, amendments } = site;
  const own = readLines(description.records ?? [], name);
  const stray = own.find(({ owner }) => !owner.isAtOrBelow(name));
  if (stray) throw new RangeError(`${stray.owner} does not belong to the zone ${name}`);
  const { signing = {} } = description;
  const keys = signing === 'unsigned' ? [] : keysOf(name, signing);
  const entries = keys.filter(({ signs }) => signs !== 'data');
  const digests = signing === 'unsigned' ? [] : (signing.digests ?? [2]);
  const isVouchedFor = (description.delegation ?? 'with-ds') === 'with-ds';
  const plan: ZonePlan = {
    zone: name,
    records: [...own, ...missing(own, defaults(site)), ...missing(own, around)],
    keys,
    ds: isVouchedFor ? entries.flatMap((key) => digests.map((type) => dsOf(name, key, type))) : [],
  };
  return amendments.reduce((amended, { plan: change }) => change?.(amended) ?? amended, plan);
}

/** The zone as its servers hold it. */
export function buildSite(site: Site, plan: ZonePlan, times: SigningTimes): Zone {
  const { signing = {} } = site.description;
  const { keys, zone } = plan;
  const denial = signing === 'unsigned' ? 'nsec' : denialOf(signing);
  const signed =
    keys.length === 0 ? plan.records : signZone(zone, plan.records, { ...times, keys, denial });
  const served = site.amendments.reduce<readonly RR[]>(
    (records, { records: change }) =>
      change?.({ zone, records, resign: resigner(plan, records) }) ?? records,
    signed,
  );
  return new Zone(zone, served);
}

function keysOf(zone: Name, { algorithms = [13], keys = 'csk' }: Signing): readonly SigningKey[] {
  const purpose = zone.key;
  return algorithms.flatMap((algorithm) =>
    keys === 'csk'
      ? [signingKey(algorithm, purpose)]
      : [signingKey(algorithm, purpose, 'keys'), signingKey(algorithm, purpose, 'data')],
  );
}

const denialOf = ({ denial = 'nsec' }: Signing): 'nsec' | Nsec3Options =>
  denial === 'nsec3' ? {} : denial;

/** SOA and NS, which every zone has. */
function defaults({ name, hosts }: Site): readonly RR[] {
  const [first] = hosts;
  const soa = `@ SOA ${first?.name ?? '.'} hostmaster.${name.isRoot ? '' : name} 1 3600 600 86400 900`;
  return readLines([soa, ...hosts.map((host) => `@ NS ${host.name}`)], name);
}

/** Those of `more` whose owner and type do not stand in `records`: what a test writes itself is never added to. */
function missing(records: readonly RR[], more: readonly RR[]): readonly RR[] {
  const has = new Set(records.map(({ owner, type }) => `${type} ${owner.key}`));
  return more.filter(({ owner, type }) => !has.has(`${type} ${owner.key}`));
}

/** Signs an RRset anew with the key that signed it before, which its claims may then belie. */
function resigner({ keys, zone }: ZonePlan, records: readonly RR[]): SignedZone['resign'] {
  return (signature, claims) => {
    const { inception, expiration, keyTag, algorithm } = decode('RRSIG', signature.rdata);
    const key = keys.find((one) => one.tag === keyTag && one.algorithm === algorithm);
    const covered = coveredType(signature);
    const set = collectSets(records).find(
      ({ owner, type }) => type === covered && owner.equals(signature.owner),
    );
    if (!key || !set) return signature;
    return signRRset(set, key, { signer: zone, inception, expiration, ...claims });
  };
}
