/**
 * The TXT record that says whether a domain has an MTA-STS policy, and which version of it.
 *
 * Implements RFC 8461 section 3.1. Does not: fetch the policy.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Failure, Lookup } from '../dnssec/outcome.ts';
import { findRecord, isExtensionValue } from './txt-record.ts';

export type StsRecord =
  | {
      readonly kind: 'id';
      readonly id: string;
      /** Of the record and every alias that led to it. MTA-STS asks for no proof: it is carried to be told. */
      readonly status: 'secure' | 'insecure';
      /** Seconds for which the record may still be kept. */
      readonly ttl: number;
    }
  | { readonly kind: 'none'; readonly why: string }
  /** Bogus or indeterminate: whether there is a record could not be found out. */
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface When {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Asks for `_mta-sts` below the policy domain. */
export async function findStsRecord(domain: Name, lookup: Lookup, when: When): Promise<StsRecord> {
  const name = domain.child('_mta-sts');
  if (!name) return { kind: 'none', why: 'the name of its record would be too long' };
  const accepts = (field: string, value: string): boolean =>
    field === 'id' ? ID.test(value) : isExtensionValue(value);
  const found = await findRecord({ name, version: 'v=STSv1', accepts, ...when }, lookup);
  if (found.kind !== 'record') return found;
  const id = found.fields.get('id');
  if (id === undefined) return { kind: 'none', why: 'its record has no id' };
  return { kind: 'id', id, status: found.status, ttl: found.ttl };
}

const ID = /^[A-Za-z0-9]{1,32}$/;
