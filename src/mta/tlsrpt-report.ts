/**
 * The report of one day to one domain, as JSON, with its file name.
 *
 * Implements RFC 8460 section 4.4 (schema), section 4.5 (policy samples), section 5.1 (file name) and section 6.4 (media
 * types). Does not: compress, sign or send it.
 * @module
 */
import { DAY_MS, type DomainDay, type FailureSum, type PolicySum } from './tlsrpt.ts';

export interface Reporter {
  readonly organizationName: string;
  /** A mail address; its domain stands in the file name. */
  readonly contactInfo: string;
}

/** With gzip around it, which RFC 8460 section 5.2 wants, and without. */
export const MEDIA_TYPES = {
  json: 'application/tlsrpt+json',
  gzip: 'application/tlsrpt+gzip',
} as const;

/** The report with the keys of RFC 8460 section 4.4, in its order. */
export function writeReport(
  { day, policies }: DomainDay,
  { organizationName, contactInfo }: Reporter,
  reportId: string,
): string {
  return JSON.stringify({
    'organization-name': organizationName,
    'date-range': {
      'start-datetime': printSecond(day),
      'end-datetime': printSecond(lastSecondOf(day)),
    },
    'contact-info': contactInfo,
    'report-id': reportId,
    policies: policies.map(writePolicy),
  });
}

const lastSecondOf = (day: number): number => day + DAY_MS - 1000;
/** RFC 3339, as in the example of RFC 8460 appendix B. */
const printSecond = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const writePolicy = ({ policy, successes, failures, details }: PolicySum) => ({
  policy: {
    'policy-type': policy.policyType,
    'policy-string': policy.policyStrings,
    'policy-domain': policy.policyDomain,
    ...(policy.mxHosts && { 'mx-host': policy.mxHosts }),
  },
  summary: {
    'total-successful-session-count': successes,
    'total-failure-session-count': failures,
  },
  ...(details.length > 0 && { 'failure-details': details.map(writeDetail) }),
});

const writeDetail = (detail: FailureSum) => ({
  'result-type': detail.result,
  ...(detail.sendingIp !== undefined && { 'sending-mta-ip': detail.sendingIp }),
  ...(detail.receivingMx !== undefined && { 'receiving-mx-hostname': detail.receivingMx }),
  ...(detail.receivingIp !== undefined && { 'receiving-ip': detail.receivingIp }),
  'failed-session-count': detail.sessions,
  ...(detail.reasonCode !== undefined && { 'failure-reason-code': detail.reasonCode }),
});

/** `mail.example.com!example.net!1470013200!1470099599!001.json.gz` */
export function reportFileName(
  { domain, day }: Pick<DomainDay, 'domain' | 'day'>,
  { contactInfo }: Pick<Reporter, 'contactInfo'>,
  { uniqueId, extension }: { uniqueId?: string; extension: 'json' | 'json.gz' },
): string {
  const sender = contactInfo.slice(contactInfo.lastIndexOf('@') + 1);
  const begin = day / 1000;
  const end = lastSecondOf(day) / 1000;
  const unique = uniqueId === undefined ? [] : [uniqueId.replace(/[^A-Za-z0-9]/g, '')];
  return `${[sender, domain, begin, end, ...unique].join('!')}.${extension}`;
}
