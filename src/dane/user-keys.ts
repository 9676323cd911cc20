/**
 * Where the DNS has keys and certificates of a mail user: the name for an address, and what a record holds.
 *
 * Implements RFC 7929 section 3 (OPENPGPKEY) and RFC 8162 section 3 (SMIMEA): the local part without its quoting, in
 * Unicode's form C, hashed. Letter case stays: `Hugh` and `hugh` are two users to everybody but their own mail server. Does
 * not: read OpenPGP keys, or mail.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { fingerprint } from '../tls/fingerprint.ts';

/** RFC 7929 section 3: SHA2-256, of which these many octets. */
const HASH_OCTETS = 28;
/** Octets of a local part (RFC 5321 section 4.5.3.1.1); four times as many, for what is hashed is UTF-8. */
const MAX_LOCAL_PART = 256;

export type UserKeyType = 'OPENPGPKEY' | 'SMIMEA';
const LABELS = { OPENPGPKEY: '_openpgpkey', SMIMEA: '_smimecert' } as const;

export type Address =
  /** `local`: what is hashed. `domain`: as written. */
  | { readonly kind: 'address'; readonly local: string; readonly domain: string }
  | { readonly kind: 'malformed'; readonly why: string };

/** RFC 5322 section 3.2.3 with RFC 6532 section 3.2: letters, digits, these, and all that is not ASCII. */
const ATOM = String.raw`[A-Za-z0-9!#$%&'*+/=?^_{|}~\u0080-\u{10ffff}\x60-]+`;
const DOT_ATOM = new RegExp(`^${ATOM}(\\.${ATOM})*$`, 'u');
/** RFC 5322 section 3.2.4: no bare quote, and a backslash before anything printable. */
const QUOTED = /^"((?:[^"\\\p{Cc}]|\\[^\p{Cc}])*)"$/u;

/** Takes a mail address apart, and the quoting off its local part. */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf('@');
  if (at < 0) return malformed('there is no @ in it');
  const [written, domain] = [text.slice(0, at), text.slice(at + 1)];
  if (domain === '') return malformed('there is no domain behind the @');
  if (written === '') return malformed('there is nothing in front of the @');
  const local = unquoted(written)?.normalize('NFC');
  if (local === undefined)
    return malformed(`"${written}" in front of the @ has to stand in double quotes to be one word`);
  if (local === '') return malformed('there is nothing between the quotes');
  if (Buffer.byteLength(local) > MAX_LOCAL_PART) return malformed('the part before @ is too long');
  return { kind: 'address', local, domain };
}

const malformed = (why: string): Address => ({ kind: 'malformed', why });

/**
 * RFC 7929 section 3, step 2: without enclosing quotes and literal quoting; blanks around the dots of an unquoted one go.
 * (Comments, which nobody types, are no part of an address here.)
 */
function unquoted(written: string): string | undefined {
  const quoted = QUOTED.exec(written)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gsu, '$1');
  const plain = written.trim().replaceAll(/[ \t]*\.[ \t]*/g, '.');
  return DOT_ATOM.test(plain) ? plain : undefined;
}

/**
 * The owner of the records for a user.
 * @returns `undefined` where the whole is too long to be a name
 */
export function userKeyName(local: string, domain: Name, type: UserKeyType): Name | undefined {
  const hash = fingerprint(Buffer.from(local, 'utf8'), 'sha256').subarray(0, HASH_OCTETS);
  const label = Array.from(hash, (octet) => octet.toString(16).padStart(2, '0')).join('');
  return domain.child(LABELS[type])?.child(label);
}
