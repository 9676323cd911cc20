/**
 * TXT records that announce a policy of mail: `v=STSv1; id=...` and `v=TLSRPTv1; rua=...`.
 *
 * Implements what RFC 8461 section 3.1 and RFC 8460 section 3 have in common: one record of the version is left or none
 * counts, its strings are joined, its fields are parted by semicolons. Does not: know what the fields mean.
 * @module
 */
import { failureOf } from '../dane/destination.ts';
import type { Name } from '../dns/name.ts';
import { latin1 } from '../dns/octets.ts';
import { decode } from '../dns/rdata.ts';
import { type Failure, failed, type Lookup, type Secure } from '../dnssec/outcome.ts';

export type TxtFinding =
  | {
      readonly kind: 'record';
      readonly text: string;
      /** By name, the first of each. */
      readonly fields: ReadonlyMap<string, string>;
      /** Of the record and every alias that led to it. */
      readonly status: 'secure' | 'insecure';
      /** Seconds for which it may still be kept. */
      readonly ttl: number;
    }
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Momentum's limit (`mta_sts_dns_cname_max_depth`): a longer chain is as good as no record. */
const MAX_ALIASES = 5;

export interface TxtQuestion {
  readonly name: Name;
  /** With which a record begins that counts: `v=STSv1`. */
  readonly version: string;
  /** Whether a field may have this value; one that may not makes the record malformed. */
  readonly accepts: (name: string, value: string) => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Asks for the one record of this version at `name`. */
export async function findRecord(
  { name, version, accepts, now, signal }: TxtQuestion,
  lookup: Lookup,
): Promise<TxtFinding> {
  const outcome = await lookup(name, 'TXT', signal && { signal });
  if (failed(outcome)) return { kind: 'failed', failure: failureOf(outcome) };
  if (outcome.aliases.length > MAX_ALIASES) return none(`more than ${MAX_ALIASES} aliases`);
  const records = textsOf(outcome.answer).filter((text) => text.startsWith(`${version};`));
  const [text, second] = records;
  if (text === undefined) return none(`no record ${version}`);
  if (second !== undefined) return none(`${records.length} records ${version}`);
  const fields = parseFields(text.slice(version.length), accepts);
  if (!fields) return none(`the record ${version} is malformed`);
  const ttl = Math.max(0, Math.floor((outcome.expiresAt - now) / 1000));
  return { kind: 'record', text, fields, status: outcome.status, ttl };
}

const none = (why: string): TxtFinding => ({ kind: 'none', why });

const textsOf = (answer: Secure['answer'] | { readonly kind: 'not-asked' }): readonly string[] =>
  answer.kind === 'records'
    ? answer.rrset.rdata.map((rdata) => decode('TXT', rdata).strings.map(latin1).join(''))
    : [];

/** `; name=value; ...` behind the version, with or without a semicolon at the end. */
function parseFields(
  text: string,
  accepts: TxtQuestion['accepts'],
): ReadonlyMap<string, string> | undefined {
  const parts = text.split(SEPARATOR);
  if (parts.at(-1) === '') parts.pop();
  const [front, ...pairs] = parts;
  const fields = new Map<string, string>();
  for (const pair of pairs) {
    const [, name, value] = FIELD.exec(pair) ?? [];
    if (name === undefined || value === undefined || !accepts(name, value)) return undefined;
    if (!fields.has(name)) fields.set(name, value);
  }
  return front === '' && fields.size > 0 ? fields : undefined;
}

/** Tried where blanks begin alone: from each of 65 000 blanks in one record, it would take seconds. */
const SEPARATOR = /(?<![ \t])[ \t]*;[ \t]*/;

/** As widely as any field may be written: URIs hold `=`, and spaces stand around the commas between them. */
const FIELD = /^([A-Za-z0-9][\w.-]{0,31})=([!-~](?:[ -~\t]*[!-~])?)$/;

/** The value of a field that nobody knows yet, the same in both RFCs. */
export const isExtensionValue = (value: string): boolean => /^[!-:<>-~]+$/.test(value);
