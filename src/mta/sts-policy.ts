/**
 * An MTA-STS policy: its text read, and which mail hosts it allows.
 *
 * Implements RFC 8461 section 3.2 (the policy resource) and section 4.1 (MX host validation). Does not: fetch policies
 * (https.ts), keep them (mta-sts.ts), or judge certificates (sts-certificate.ts).
 * @module
 */
import { Name, NameError } from '../dns/name.ts';

export interface StsPolicy {
  /** Of the TXT record that announced it. */
  readonly id: string;
  readonly mode: 'enforce' | 'testing' | 'none';
  /** `mail.example.com` or `*.example.net`, in the order of the text. */
  readonly mx: readonly string[];
  /** Seconds from `fetchedAt` for which it counts. */
  readonly maxAge: number;
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
  /** The text line by line: what TLSRPT reports as policy-string. */
  readonly lines: readonly string[];
}

export type ParsedPolicy =
  | { readonly kind: 'policy'; readonly policy: StsPolicy }
  /** `why` begins with the line where it is one. */
  | { readonly kind: 'invalid'; readonly why: string };

/** Octets of a policy: what RFC 8461 section 3.3 suggests. */
export const LARGEST_POLICY = 65_536;
/** Seconds: a year of 365.25 days, the largest max_age (RFC 8461 section 3.2). */
export const LONGEST_AGE = 31_557_600;

export interface Origin {
  readonly id: string;
  readonly fetchedAt: number;
}

/**
 * Reads a policy. Keys that it does not know are passed over, and so is all but the first of a key that stands there twice.
 *
 * A max_age above the largest one is grammatical, so it is read, as the largest. Empty lines, which the grammar does not
 * have, are passed over: many policies end in one, and they cannot be misread.
 */
export function parsePolicy(octets: Uint8Array, { id, fetchedAt }: Origin): ParsedPolicy {
  if (octets.length > LARGEST_POLICY) return invalid(`more than ${LARGEST_POLICY} octets`);
  const text = decodeText(octets);
  if (text === undefined) return invalid('it is not UTF-8');
  const lines = text.split(/\r?\n/).map((line) => line.replace(TRAILING_BLANKS, ''));
  const fields = new Map<string, string>();
  const mx: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (line === '') continue;
    const [, key, value] = FIELD.exec(line) ?? [];
    if (key === undefined || value === undefined)
      return invalid(`line ${at + 1}: no key and value`);
    if (key !== 'mx') {
      if (!fields.has(key)) fields.set(key, value);
      continue;
    }
    if (!isPattern(value)) return invalid(`line ${at + 1}: mx is no host name or pattern`);
    mx.push(value);
  }
  const known = readFields(fields);
  if (known.kind === 'invalid') return known;
  if (mx.length === 0 && known.mode !== 'none') return invalid('no mx');
  const { mode, maxAge } = known;
  const told = lines.filter((line) => line !== '');
  return { kind: 'policy', policy: { id, mode, mx, maxAge, fetchedAt, lines: told } };
}

/** Tried where blanks begin alone: from each of 65 000 blanks in one line, it would take seconds. */
const TRAILING_BLANKS = /(?<![ \t])[ \t]+$/;

const invalid = (why: string) => ({ kind: 'invalid', why }) as const;

/** A byte order mark stays and makes the first key unreadable, as the grammar has it. */
function decodeText(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

/** sts-policy-ext-name, delimiter, and a value without control characters that neither begins nor ends with a space. */
const FIELD = /^([A-Za-z0-9][\w.-]{0,31}):[ \t]*([^\p{Cc} ](?:[^\p{Cc}]*[^\p{Cc} ])?)$/u;

interface Known {
  readonly kind: 'known';
  readonly mode: StsPolicy['mode'];
  readonly maxAge: number;
}

function readFields(fields: ReadonlyMap<string, string>): Known | ReturnType<typeof invalid> {
  if (fields.get('version') !== 'STSv1') return invalid('no version STSv1');
  const mode = MODES.find((one) => one === fields.get('mode'));
  if (!mode) return invalid('mode is not enforce, testing or none');
  const age = fields.get('max_age');
  if (age === undefined || !/^\d{1,10}$/.test(age))
    return invalid('max_age is no number of seconds');
  return { kind: 'known', mode, maxAge: Math.min(Number(age), LONGEST_AGE) };
}

const MODES = ['enforce', 'testing', 'none'] as const;

/** Domain of RFC 5321 section 4.1.2 in A-labels, below a `*` if one is there; as long as a name may be. */
const PATTERN = /^(\*\.)?[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i;

function isPattern(text: string): boolean {
  if (!PATTERN.test(text)) return false;
  try {
    Name.parse(text);
    return true;
  } catch (error) {
    if (error instanceof NameError) return false;
    throw error;
  }
}

/** Whether one of the patterns matches the name of the MX record; a `*` stands for exactly one label. */
export function stsAllows({ mx }: Pick<StsPolicy, 'mx'>, host: Name): boolean {
  if (host.isRoot || host.isWildcard) return false;
  return mx.some((text) => {
    const pattern = Name.parse(text);
    return pattern.isWildcard ? host.parent.equals(pattern.parent) : host.equals(pattern);
  });
}

/** Whether the policy has not outlived its max_age, milliseconds since 1970. */
export const isCurrent = ({ fetchedAt, maxAge }: StsPolicy, now: number): boolean =>
  now <= fetchedAt + maxAge * 1000;
