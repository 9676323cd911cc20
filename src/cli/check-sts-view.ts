/**
 * What a check has found of a domain's MTA-STS policy, and of certificates by the web's authorities, as JSON and as text.
 * @module
 */
import type { StsSight } from '../mta/check.ts';
import type { StsVerdict } from '../mta/sts-certificate.ts';
import type { StsRecord } from '../mta/sts-txt.ts';
import type { Paint } from './terminal.ts';

export interface StsView {
  /** Of the TXT record: MTA-STS asks for no proof. */
  readonly record: 'secure' | 'insecure' | 'none' | 'failed';
  /** `none` where there is no policy, or one that says so; left out where it is not known. */
  readonly mode?: 'enforce' | 'testing' | 'none';
  readonly id?: string;
  readonly mx?: readonly string[];
  /** Seconds. */
  readonly maxAge?: number;
  /** Why there is no policy, or why it is not known. */
  readonly why?: string;
}

export function viewSts({ record, finding, policy }: StsSight): StsView {
  const base = viewRecord(record);
  if (record.kind === 'none') return { ...base, mode: 'none', why: record.why };
  if (record.kind === 'failed') return { ...base, why: `its record: ${record.failure.reason}` };
  if (finding === 'not-fetched') return { ...base, why: NOT_FETCHED };
  if (policy) {
    const { mode, mx, maxAge } = policy;
    return { ...base, mode, mx, maxAge };
  }
  const why =
    finding.kind === 'failed' ? `${finding.result} (${finding.reason})` : 'there is no policy';
  return { ...base, why };
}

const NOT_FETCHED = 'the policy was not fetched, for nobody was to be connected to';

function viewRecord(record: StsRecord): Pick<StsView, 'record' | 'id'> {
  return record.kind === 'id' ? { record: record.status, id: record.id } : { record: record.kind };
}

/** `MTA-STS enforce (id 1, max_age 86400): mx.example.com, *.example.net; record insecure`. */
export function printSts({ record, mode, id, mx = [], maxAge, why }: StsView): string {
  if (id === undefined) return `MTA-STS ${mode ?? 'not known'}: ${why}`;
  if (mode === undefined) return `MTA-STS record ${id} (${record}), but no policy counts: ${why}`;
  const hosts = mx.length > 0 ? `: ${mx.join(', ')}` : '';
  return `MTA-STS ${mode} (id ${id}, max_age ${maxAge}, record ${record})${hosts}`;
}

export function printByRoots(verdict: StsVerdict, paint: Paint): string {
  if (verdict.kind === 'valid') return `PKIX ${paint('good', 'valid')} for the host`;
  const { result, reason } = verdict;
  return `PKIX ${paint('fair', 'invalid')}: ${result}${reason === undefined ? '' : ` (${reason})`}`;
}
