/**
 * Every reason why an outcome is not secure, as one table: adding a reason is adding a row.
 *
 * A row states the status that the reason leads to, so a reason can never disagree with its status; the code of RFC
 * 8914 that a client is told; the section that demands it; and one sentence for people.
 * @module
 */
import type { ExtendedError } from '../dns/codes.ts';

interface Row {
  readonly status: 'insecure' | 'bogus' | 'indeterminate';
  readonly ede: ExtendedError | undefined;
  readonly rfc: string;
  readonly text: string;
}

type Told = Omit<Row, 'status'>;
const insecure = <T extends Told>(row: T) => ({ status: 'insecure', ...row }) as const;
const bogus = <T extends Told>(row: T) => ({ status: 'bogus', ...row }) as const;
const indeterminate = <T extends Told>(row: T) => ({ status: 'indeterminate', ...row }) as const;

export const REASONS = {
  'no-ds-proven': insecure({
    ede: undefined,
    rfc: 'RFC 4035 section 5.2',
    text: 'the parent proves that the zone has no DS record',
  }),
  'opt-out': insecure({
    ede: undefined,
    rfc: 'RFC 5155 section 9.2',
    text: 'the name lies in an opt-out span, where unsigned delegations may exist',
  }),
  'no-trust-anchor': insecure({
    ede: undefined,
    rfc: 'RFC 4033 section 5',
    text: 'no trust anchor covers the name',
  }),
  'negative-trust-anchor': insecure({
    ede: undefined,
    rfc: 'RFC 7646 section 2',
    text: 'a negative trust anchor covers the name',
  }),
  'unsupported-algorithm': insecure({
    ede: 1,
    rfc: 'RFC 6840 section 5.2',
    text: 'every DS record names an algorithm that is not supported',
  }),
  'unsupported-digest': insecure({
    ede: 2,
    rfc: 'RFC 6840 section 5.2',
    text: 'every DS record names a digest type that is not supported',
  }),
  'weak-key': insecure({
    ede: 1,
    rfc: 'RFC 6840 section 5.3',
    text: 'the zone publishes an RSA key that is too short to prove anything',
  }),
  'nsec3-iterations': insecure({
    ede: 27,
    rfc: 'RFC 9276 section 3.2',
    text: 'the denial uses more NSEC3 iterations than are computed',
  }),
  'never-signed': insecure({
    ede: undefined,
    rfc: 'RFC 4035 section 2.2',
    text: 'records of this type are never signed',
  }),

  'rrsigs-missing': bogus({
    ede: 10,
    rfc: 'RFC 4035 section 5.3.1',
    text: 'the zone is signed, but the record set carries no signature by it',
  }),
  'signature-invalid': bogus({
    ede: 6,
    rfc: 'RFC 4035 section 5.3.3',
    text: 'no signature over the record set verifies',
  }),
  'signature-expired': bogus({
    ede: 7,
    rfc: 'RFC 4035 section 5.3.1',
    text: 'the signature has expired',
  }),
  'signature-not-yet-valid': bogus({
    ede: 8,
    rfc: 'RFC 4035 section 5.3.1',
    text: 'the signature is not valid yet',
  }),
  'signature-dates-reversed': bogus({
    ede: 25,
    rfc: 'RFC 4034 section 3.1.5',
    text: 'the signature expires before it begins',
  }),
  'signature-labels': bogus({
    ede: 6,
    rfc: 'RFC 4035 section 5.3.1',
    text: "the signature's labels field does not fit the owner name or the signer",
  }),
  'too-many-failures': bogus({
    ede: 6,
    rfc: 'RFC 9520 section 2',
    text: 'too many signatures over one record set failed',
  }),
  'signing-key-missing': bogus({
    ede: 9,
    rfc: 'RFC 4035 section 5.3.1',
    text: "no key of the zone fits the signature's key tag and algorithm",
  }),
  'signing-key-unusable': bogus({
    ede: 11,
    rfc: 'RFC 4034 section 2.1.1',
    text: 'the key that made the signature is not a zone key',
  }),
  'signing-key-barred': bogus({
    ede: 6,
    rfc: 'RFC 4034 section 2.1.2',
    text: 'the key that made the signature is revoked, or of a protocol other than DNSSEC',
  }),
  'dnskey-missing': bogus({
    ede: 9,
    rfc: 'RFC 4035 section 5.2',
    text: 'no key of the zone matches the DS records of its parent or the trust anchor',
  }),
  'dnskey-unsigned': bogus({
    ede: 10,
    rfc: 'RFC 4035 section 5.2',
    text: 'the key set is not signed by a key that the DS records name',
  }),
  'ds-unproven': bogus({
    ede: 10,
    rfc: 'RFC 4035 section 5.2',
    text: 'the delegation comes with neither a DS record nor a proof that there is none',
  }),
  'referral-forged': bogus({
    ede: 6,
    rfc: 'RFC 4035 section 5.2',
    text: 'the parent proves that the name it referred to is no delegation',
  }),
  'denial-missing': bogus({
    ede: 12,
    rfc: 'RFC 4035 section 5.4',
    text: 'the absence is not proven',
  }),
  'denial-contradicted': bogus({
    ede: 6,
    rfc: 'RFC 4035 section 5.4',
    text: 'the proof of absence shows that the type exists',
  }),
  'denial-parameters': bogus({
    ede: 6,
    rfc: 'RFC 5155 section 8.2',
    text: 'the NSEC3 records of one zone differ in their parameters',
  }),
  'too-many-nsec3': bogus({
    ede: 6,
    rfc: 'RFC 9276 section 3.2',
    text: 'the reply carries more NSEC3 records than any proof needs',
  }),
  'wildcard-unproven': bogus({
    ede: 6,
    rfc: 'RFC 4035 section 5.3.4',
    text: 'the answer comes from a wildcard, and nothing proves that the name itself does not exist',
  }),
  'malformed-records': bogus({
    ede: 0,
    rfc: 'RFC 1035 section 3.2.1',
    text: 'the record set has data that does not fit its type',
  }),
  'anchor-outdated': bogus({
    ede: 9,
    rfc: 'RFC 5011 section 1',
    text: 'the key set is signed, but by no key that the trust anchor names: the anchor is out of date, or the keys are forged',
  }),
  'signatures-stripped': bogus({
    ede: 10,
    rfc: 'RFC 4035 section 3.2.1',
    text: 'the forwarder removes signatures: it cannot be used for validation',
  }),

  unreachable: indeterminate({
    ede: 22,
    rfc: 'RFC 4035 section 4.3',
    text: 'no server of the zone gave a usable reply',
  }),
  'network-error': indeterminate({
    ede: 23,
    rfc: 'RFC 8914 section 4.24',
    text: 'no packet could be sent',
  }),
  'budget-spent': indeterminate({
    ede: 0,
    rfc: 'RFC 9520 section 2',
    text: 'the work allowed for one question is spent',
  }),
  'alias-loop': indeterminate({
    ede: 0,
    rfc: 'RFC 1034 section 5.2.2',
    text: 'the aliases form a loop',
  }),
  'alias-too-long': indeterminate({
    ede: 0,
    rfc: 'RFC 6672 section 2.2',
    text: 'the DNAME leads to a name longer than 255 octets',
  }),
  'private-address': indeterminate({
    ede: 15,
    rfc: 'RFC 8914 section 4.16',
    text: 'a public name leads to an address of the private network',
  }),
  'unusable-records': indeterminate({
    ede: 0,
    rfc: 'RFC 1035 section 3.2.1',
    text: 'the record set is malformed or too large',
  }),
} satisfies Record<string, Row>;

export type Reason = keyof typeof REASONS;
type With<S> = { [R in Reason]: (typeof REASONS)[R]['status'] extends S ? R : never }[Reason];
export type InsecureReason = With<'insecure'>;
export type BogusReason = With<'bogus'>;
export type IndeterminateReason = With<'indeterminate'>;
export type FailureReason = BogusReason | IndeterminateReason;

/** The row of a reason. */
export const explain = (reason: Reason): Row => REASONS[reason];
