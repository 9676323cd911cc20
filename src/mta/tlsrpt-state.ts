/**
 * The sums of days that have not been reported as text, so that a restart does not lose them.
 *
 * One line for each domain and day. Does not: touch files (tlsrpt-file.ts does).
 * @module
 */
import { FIRST_LINE, parseObject, type Refused, refused, seal, unseal } from './sealed-lines.ts';
import {
  DAY_MS,
  type DomainDay,
  type FailureSum,
  type PolicySum,
  RESULT_TYPES,
  type ReportedPolicy,
  type TlsReports,
} from './tlsrpt.ts';

/** The first line. Another version is another file's business. */
export const REPORTS_HEADER = 'danelaw tls reports 1';

export type ParsedReports =
  | { readonly kind: 'reports'; readonly days: readonly DomainDay[] }
  | Refused;

export const writeReports = (reports: TlsReports): string =>
  seal(
    REPORTS_HEADER,
    reports.days.flatMap((day) => [...reports.read(day)]),
  );

export function parseReports(text: string): ParsedReports {
  const unsealed = unseal(REPORTS_HEADER, text);
  if (unsealed.kind === 'refused') return unsealed;
  const days: DomainDay[] = [];
  for (const [at, line] of unsealed.lines.entries()) {
    const day = parseDay(line);
    if (!day) return refused(at + FIRST_LINE, 'no sums of a domain and a day');
    days.push(day);
  }
  return { kind: 'reports', days };
}

function parseDay(line: string): DomainDay | undefined {
  const { domain, day, policies } = parseObject(line);
  if (typeof domain !== 'string' || !isCount(day) || day % DAY_MS !== 0) return undefined;
  const sums = parseAll(policies, parsePolicy);
  return sums && { domain, day, policies: sums };
}

/** All of them, or nothing. */
function parseAll<T>(value: unknown, parse: (one: Fields) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const parsed = value.map((one) => parse(fieldsOf(one)));
  const whole = parsed.filter((one) => one !== undefined);
  return whole.length === parsed.length ? whole : undefined;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {};
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const isTextOrAbsent = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

function parsePolicy({ policy, successes, failures, details }: Fields): PolicySum | undefined {
  const reported = parseReported(fieldsOf(policy));
  const sums = parseAll(details, parseDetail);
  if (!reported || !sums || !isCount(successes) || !isCount(failures)) return undefined;
  return { policy: reported, successes, failures, details: sums };
}

const POLICY_TYPES = ['tlsa', 'sts', 'no-policy-found'] as const;

function parseReported(fields: Fields): ReportedPolicy | undefined {
  const { policyDomain, policyStrings, mxHosts } = fields;
  const policyType = POLICY_TYPES.find((one) => one === fields.policyType);
  if (!policyType || typeof policyDomain !== 'string' || !isTexts(policyStrings)) return undefined;
  if (mxHosts === undefined) return { policyType, policyDomain, policyStrings };
  return isTexts(mxHosts) ? { policyType, policyDomain, policyStrings, mxHosts } : undefined;
}

function parseDetail(fields: Fields): FailureSum | undefined {
  const { sessions, reasonCode, sendingIp, receivingIp, receivingMx } = fields;
  const result = RESULT_TYPES.find((one) => one === fields.result);
  if (!result || !isCount(sessions)) return undefined;
  if (!isTextOrAbsent(reasonCode) || !isTextOrAbsent(sendingIp)) return undefined;
  if (!isTextOrAbsent(receivingIp) || !isTextOrAbsent(receivingMx)) return undefined;
  return {
    result,
    sessions,
    ...(reasonCode !== undefined && { reasonCode }),
    ...(sendingIp !== undefined && { sendingIp }),
    ...(receivingIp !== undefined && { receivingIp }),
    ...(receivingMx !== undefined && { receivingMx }),
  };
}
