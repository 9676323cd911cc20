/**
 * What a question that brought no data throws: an error as Node's own resolvers throw it, and why.
 *
 * The codes are those of `node:dns`, so that code which knows them needs no change. Does not: carry data; bogus and
 * indeterminate outcomes have none.
 * @module
 */
import type { ExtendedError } from '../dns/codes.ts';
import { failed, type Outcome, type Status } from '../dnssec/outcome.ts';
import { explain, type Reason } from '../dnssec/reason.ts';

export type DnsErrorCode =
  /** The name exists, or may exist, and has no record of this type. */
  | 'ENODATA'
  /** There is no such name. */
  | 'ENOTFOUND'
  /** Nothing was learnt: the answer is bogus, or could not be had. */
  | 'ESERVFAIL'
  /** The same from `lookup`, as getaddrinfo says it. */
  | 'EAI_AGAIN'
  /** The time for one question ran out. */
  | 'ETIMEOUT'
  | 'ECANCELLED'
  | 'EBADNAME'
  | 'EINVAL'
  | 'ENOTIMP';

/** What is known about an outcome beside its data. */
export interface Proof {
  readonly status: Status;
  /** Why it is not secure. */
  readonly reason?: Reason;
  /** The code of RFC 8914 that a client of `danelaw serve` would be told. */
  readonly ede?: ExtendedError;
}

export interface DnsCall {
  /** `queryMx`, `getaddrinfo`, `getHostByAddr`: Node's word for the question. */
  readonly syscall: string;
  readonly hostname: string;
}

export class DnsError extends Error implements Partial<Proof> {
  override readonly name = 'DnsError';
  readonly code: DnsErrorCode;
  readonly syscall: string;
  readonly hostname: string;
  /** Left out where no question was asked. */
  declare readonly status?: Status;
  declare readonly reason?: Reason;
  declare readonly ede?: ExtendedError;

  constructor(code: DnsErrorCode, { syscall, hostname }: DnsCall, proof?: Proof) {
    const why = proof?.reason === undefined ? '' : `: ${explain(proof.reason).text}`;
    super(`${syscall} ${code} ${hostname}${why}`);
    this.code = code;
    this.syscall = syscall;
    this.hostname = hostname;
    Object.assign(this, proof);
  }
}

export function proofOf(outcome: Outcome): Proof {
  const { status } = outcome;
  if (status === 'secure') return { status };
  const { reason } = outcome;
  const { ede } = explain(reason);
  return { status, reason, ...(ede !== undefined && { ede }) };
}

/** Why there are no records; `undefined` where there are. */
export function codeWithoutData(outcome: Outcome): DnsErrorCode | undefined {
  if (failed(outcome)) return isOutOfTime(outcome) ? 'ETIMEOUT' : 'ESERVFAIL';
  switch (outcome.answer.kind) {
    case 'records':
      return undefined;
    case 'nxdomain':
      return 'ENOTFOUND';
    case 'nodata':
    case 'not-asked':
      return 'ENODATA';
  }
}

const isOutOfTime = (outcome: Extract<Outcome, { status: 'bogus' | 'indeterminate' }>): boolean =>
  outcome.reason === 'budget-spent' && outcome.fault.limit === 'wall-clock';

/** Of several outcomes without data the one that says least: a failure before an absence. */
export function failureAmong(outcomes: readonly Outcome[]): {
  readonly code: DnsErrorCode;
  readonly proof: Proof | undefined;
} {
  const told = outcomes.find(failed) ?? outcomes[0];
  return told
    ? { code: codeWithoutData(told) ?? 'ENODATA', proof: proofOf(told) }
    : { code: 'ENODATA', proof: undefined };
}
