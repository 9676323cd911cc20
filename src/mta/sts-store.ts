/**
 * MTA-STS policies as text, so that a policy counts until its max_age over restarts (RFC 8461 section 10.2 wants no less).
 *
 * A policy is kept as it was received and is read anew by the one parser that there is. Does not: touch files
 * (sts-store-file.ts does).
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { Name, NameError } from '../dns/name.ts';
import type { KeptPolicy } from './mta-sts.ts';
import { FIRST_LINE, parseObject, type Refused, refused, seal, unseal } from './sealed-lines.ts';
import { parsePolicy } from './sts-policy.ts';

/** The first line. Another version is another file's business. */
export const STORE_HEADER = 'danelaw mta-sts policies 1';
/** Octets: all that a cache keeps, with each character escaped. */
export const LARGEST_STORE = 134_217_728;
/** A clock that was set back by less since the file was written is let pass. */
const FUTURE_SLACK_MS = 3_600_000;

export type ParsedStore =
  | { readonly kind: 'policies'; readonly policies: readonly KeptPolicy[] }
  | Refused;

export const writeStore = (policies: readonly KeptPolicy[]): string =>
  seal(STORE_HEADER, policies.map(viewPolicy));

const viewPolicy = ({ domain, policy: { id, fetchedAt, lines } }: KeptPolicy) => ({
  domain: printHost(domain),
  id,
  fetchedAt,
  lines,
});

/** @param now  milliseconds since 1970: a policy from later than that is refused */
export function parseStore(text: string, now: number): ParsedStore {
  const unsealed = unseal(STORE_HEADER, text);
  if (unsealed.kind === 'refused') return unsealed;
  const policies: KeptPolicy[] = [];
  for (const [at, line] of unsealed.lines.entries()) {
    const kept = parseLine(line, now);
    if (typeof kept === 'string') return refused(at + FIRST_LINE, kept);
    policies.push(kept);
  }
  return { kind: 'policies', policies };
}

/** @returns what is wrong with the line, if it is no policy */
function parseLine(line: string, now: number): KeptPolicy | string {
  const { domain, id, fetchedAt, lines } = parseObject(line);
  const name = typeof domain === 'string' ? parseName(domain) : undefined;
  if (!name) return 'no domain name';
  if (typeof id !== 'string' || !/^[A-Za-z0-9]{1,32}$/.test(id)) return 'no id of a policy';
  if (typeof fetchedAt !== 'number' || !Number.isSafeInteger(fetchedAt)) return 'no time';
  if (fetchedAt > now + FUTURE_SLACK_MS) return 'it comes from the future';
  if (!Array.isArray(lines)) return 'no lines of a policy';
  const octets = new TextEncoder().encode(lines.map(String).join('\n'));
  const parsed = parsePolicy(octets, { id, fetchedAt });
  return parsed.kind === 'policy' ? { domain: name, policy: parsed.policy } : parsed.why;
}

function parseName(text: string): Name | undefined {
  try {
    return Name.parse(text);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
