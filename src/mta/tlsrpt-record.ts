/**
 * Where a domain wants its TLS reports: the TXT record at `_smtp._tls`.
 *
 * Implements RFC 8460 section 3. Does not: send anything there.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Failure, Lookup } from '../dnssec/outcome.ts';
import type { When } from './sts-txt.ts';
import { findRecord, isExtensionValue } from './txt-record.ts';

export type ReportAddress =
  | { readonly kind: 'mailto'; readonly address: string }
  | { readonly kind: 'https'; readonly url: string };

export type TlsrptRecord =
  | {
      readonly kind: 'record';
      /** As it stands in the DNS: what the TLSRPT library's collector takes. */
      readonly text: string;
      /** At least one; those of other schemes are left out. */
      readonly rua: readonly ReportAddress[];
      readonly status: 'secure' | 'insecure';
    }
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Addresses that are kept: enough for an organization and its helpers, too few to flood others through us. */
const MAX_ADDRESSES = 8;

/** Asks for the record of a policy domain. */
export async function findTlsrptRecord(
  domain: Name,
  lookup: Lookup,
  when: When,
): Promise<TlsrptRecord> {
  const name = domain.child('_tls')?.child('_smtp');
  if (!name) return { kind: 'none', why: 'the name of its record would be too long' };
  const accepts = (field: string, value: string): boolean =>
    field === 'rua' || isExtensionValue(value);
  const found = await findRecord({ name, version: 'v=TLSRPTv1', accepts, ...when }, lookup);
  if (found.kind !== 'record') return found;
  const texts = found.fields.get('rua')?.split(',') ?? [];
  const rua = texts.flatMap((text) => parseAddress(text.trim())).slice(0, MAX_ADDRESSES);
  if (rua.length === 0) return { kind: 'none', why: 'its record has no rua that can be used' };
  return { kind: 'record', text: found.text, rua, status: found.status };
}

/** Nothing where it is no URI of a scheme that there is; `!` must be encoded in one. */
function parseAddress(text: string): readonly ReportAddress[] {
  if (/[!\s]/.test(text)) return [];
  const mailto = /^mailto:([^?]+)/i.exec(text)?.[1];
  if (mailto !== undefined) {
    const address = decodePercents(mailto);
    return address !== undefined && ADDRESS.test(address) ? [{ kind: 'mailto', address }] : [];
  }
  if (!/^https:\/\//i.test(text) || !URL.canParse(text)) return [];
  const { username, password, href } = new URL(text);
  return username === '' && password === '' ? [{ kind: 'https', url: href }] : [];
}

/** One recipient (RFC 6068 section 2) that a command or a header line may hold. */
const ADDRESS = /^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$/;

function decodePercents(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
