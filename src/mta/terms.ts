/**
 * The terms on which mail goes to one destination: what the operator's policy comes to once its scopes are resolved.
 *
 * The words are Momentum's where it has one (`use_dane`, `enable_dane`, `tls`, `tls_verify`, `tls_ifavailable_fallback`),
 * and Postfix's for half-DANE. RFC 7672 section 6 leaves all of it to the operator. Does not: read a file or resolve
 * scopes (policy.ts), nor know what the DNS says.
 * @module
 */
import type { VerifyOptions } from '../dane/verify.ts';

export interface Terms {
  /** Whether the TLSA records of this destination are looked up (MX and addresses are asked for in any case). */
  readonly useDane: boolean;
  /** Whether what was found is applied to deliveries; with `false` it is only shown. Says nothing without `useDane`. */
  readonly enableDane: boolean;
  /** STARTTLS where neither DANE nor MTA-STS has said more. */
  readonly tls: 'no' | 'ifavailable' | 'required';
  /**
   * How a certificate is judged where neither DANE nor MTA-STS says: not, by the authorities, by them and for the host's
   * name, or by them with the result logged only.
   */
  readonly tlsVerify: 'no' | 'ca' | 'host' | 'optional';
  /** With `tls: 'ifavailable'`: whether a handshake that failed is followed by an attempt in clear. */
  readonly tlsIfavailableFallback: boolean;
  /** Secure TLSA records of a host that an insecure MX RRset named (RFC 7672 section 2.2.1): authenticate, encrypt, not asked. */
  readonly halfDane: 'dane' | 'encrypt' | 'may';
  /** Without DANE authentication nothing is delivered here. */
  readonly mandatoryDane: boolean;
  /** What DANE would refuse or hold back is reported, and then delivered as if DANE did not exist. */
  readonly audit: boolean;
  readonly mtaSts: 'off' | 'on';
  /** Whether hosts that an enforced MTA-STS policy does not list are left out even where DANE authenticates them. */
  readonly stsMxFilter: boolean;
  /** Why `audit` is true here and until when, where the operator has made an exception. */
  readonly exception?: Exception;
  /** Whether `TLS-Required: No` (RFC 8689 section 3) lifts `mandatoryDane`. */
  readonly tlsRequiredNo: 'overrides-mandatory' | 'keeps-mandatory';
  /** Matching types of digests, the strongest first (RFC 7671 section 9). */
  readonly digestOrder?: NonNullable<VerifyOptions['digests']>;
  readonly minimumRsaBits?: NonNullable<VerifyOptions['minimumRsaBits']>;
  readonly sha1?: NonNullable<VerifyOptions['sha1']>;
}

export interface Exception {
  readonly reason: string;
  /** Milliseconds since 1970; from then on the exception does not count. */
  readonly expires: number;
}

/** What holds where the operator has said nothing. DANE is off: Momentum enables it in two steps, and so do we. */
export const DEFAULT_TERMS: Terms = {
  useDane: false,
  enableDane: true,
  tls: 'ifavailable',
  tlsVerify: 'no',
  tlsIfavailableFallback: true,
  halfDane: 'dane',
  mandatoryDane: false,
  audit: false,
  mtaSts: 'on',
  stsMxFilter: true,
  tlsRequiredNo: 'overrides-mandatory',
};

/** The terms at a time, milliseconds since 1970: with an exception that has expired goes the `audit` that it stood for. */
export function termsAt(terms: Terms, now: number): Terms {
  const { exception, ...others } = terms;
  return exception && exception.expires <= now ? { ...others, audit: false } : terms;
}
