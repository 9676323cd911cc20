/**
 * MTA-STS policies as text, so that a policy counts until its max_age over restarts (RFC 8461 section 10.2 wants no less).
 *
 * One line of JSON a policy, a version before and a digest behind, so that a file that is cut off or altered is told from a
 * whole one. A policy is kept as it was received and is read anew by the one parser that there is. Does not: touch files
 * (sts-store-file.ts does).
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { printHost } from '../dane/attempt.ts';
import { Name, NameError } from '../dns/name.ts';
import { hex } from '../dns/radix.ts';
import type { KeptPolicy } from './mta-sts.ts';
import { parsePolicy } from './sts-policy.ts';

/** The first line. Another version is another file's business. */
export const STORE_HEADER = 'danelaw mta-sts policies 1';
/** Octets: all that a cache keeps, with each character escaped. */
export const LARGEST_STORE = 134_217_728;
/** A clock that was set back by less since the file was written is let pass. */
const FUTURE_SLACK_MS = 3_600_000;

export type ParsedStore =
  | { readonly kind: 'policies'; readonly policies: readonly KeptPolicy[] }
  /** `line` is the first that is wrong; the first of all is 1. */
  | { readonly kind: 'refused'; readonly line: number; readonly why: string };

export function writeStore(policies: readonly KeptPolicy[]): string {
  const lines = policies.map(({ domain, policy: { id, fetchedAt, lines } }) =>
    JSON.stringify({ domain: printHost(domain), id, fetchedAt, lines }),
  );
  const body = [STORE_HEADER, ...lines].map((line) => `${line}\n`).join('');
  return `${body}sha256 ${digestOf(body)}\n`;
}

const digestOf = (body: string): string => hex.print(sha256(new TextEncoder().encode(body)));

/** @param now  milliseconds since 1970: a policy from later than that is refused */
export function parseStore(text: string, now: number): ParsedStore {
  const lines = text.split('\n');
  if (lines[0] !== STORE_HEADER) return refused(1, `it does not begin with "${STORE_HEADER}"`);
  const last = lines.length - 2;
  const digest = /^sha256 ([0-9a-f]{64})$/.exec(lines[last] ?? '')?.[1];
  if (lines.at(-1) !== '' || digest === undefined || last < 1)
    return refused(lines.length, 'it is cut off: the last line is no digest');
  const body = lines.slice(0, last);
  if (digest !== digestOf(body.map((line) => `${line}\n`).join('')))
    return refused(
      last + 1,
      'its digest is of something else: it was altered, or not written to its end',
    );
  const policies: KeptPolicy[] = [];
  for (const [at, line] of body.entries()) {
    if (at === 0) continue;
    const kept = parseLine(line, now);
    if (typeof kept === 'string') return refused(at + 1, kept);
    policies.push(kept);
  }
  return { kind: 'policies', policies };
}

const refused = (line: number, why: string) => ({ kind: 'refused', line, why }) as const;

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

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function parseName(text: string): Name | undefined {
  try {
    return Name.parse(text);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
