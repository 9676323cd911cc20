/**
 * The command lines of `danelaw tlsa` and of the look-ups of users' keys.
 * @module
 */
import { type Combination, USUAL } from '../dane/tlsa-make.ts';
import type { UserKeyType } from '../dane/user-keys.ts';
import { type Credential, readCredentials } from '../tls/pem.ts';
import { parsePort, readOctets } from './arguments.ts';
import { Misuse } from './misuse.ts';
import {
  given,
  HELP,
  misuse,
  parse,
  refuse,
  SHARED,
  type SharedOptions,
  shared,
} from './options.ts';

/** RFC 2181 section 8. */
const MAX_TTL = 0x7fffffff;
const DEFAULT_TTL = 3600;
const SMTP_PORT = 25;

const COMBINATION = {
  usage: { type: 'string' },
  selector: { type: 'string' },
  'matching-type': { type: 'string' },
} as const;
const CREATE = {
  help: SHARED.help,
  json: SHARED.json,
  ...COMBINATION,
  host: { type: 'string' },
  port: { type: 'string' },
  ttl: { type: 'string' },
} as const;

/** What a file holds. */
export interface CredentialFile {
  readonly file: string;
  readonly list: readonly Credential[];
}

export interface CreateWords {
  readonly files: readonly CredentialFile[];
  readonly combination: Combination;
  readonly host: string | undefined;
  readonly port: number;
  readonly ttl: number;
  readonly form: 'json' | 'text';
}

export function parseCreate(args: readonly string[]): CreateWords | typeof HELP {
  const { values, positionals } = parse('tlsa create', args, CREATE);
  if (values.help) return HELP;
  if (positionals.length === 0)
    throw misuse('tlsa create', 'tlsa create needs a file with a certificate or key');
  return {
    files: positionals.map(readFile),
    combination: combinationOf(values) ?? USUAL,
    host: values.host,
    port: given(values, 'port', parsePort) ?? SMTP_PORT,
    ttl: given(values, 'ttl', parseTtl) ?? DEFAULT_TTL,
    form: values.json ? 'json' : 'text',
  };
}

export function readFile(file: string): CredentialFile {
  const read = readCredentials(readOctets(file));
  if (read.kind === 'unreadable') throw new Misuse(`${file}: ${read.why}`);
  return { file, list: read.list };
}

type CombinationValues = { readonly [key in keyof typeof COMBINATION]?: string };

/** Those that are not given are the usual ones; `undefined` where none is. */
function combinationOf(values: CombinationValues): Combination | undefined {
  const usage = given(values, 'usage', makeParseNumber(3));
  const selector = given(values, 'selector', makeParseNumber(1));
  const matchingType = given(values, 'matching-type', makeParseNumber(2));
  if (usage === undefined && selector === undefined && matchingType === undefined) return undefined;
  return {
    usage: usage ?? USUAL.usage,
    selector: selector ?? USUAL.selector,
    matchingType: matchingType ?? USUAL.matchingType,
  };
}

const makeParseNumber =
  (most: number) =>
  (text: string): number => {
    if (/^\d$/.test(text) && Number(text) <= most) return Number(text);
    throw new Misuse(`"${text}" does not do: give a number from 0 to ${most}`);
  };

function parseTtl(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_TTL) return Number(text);
  throw new Misuse(`"${text}" is no TTL: give seconds, such as 3600`);
}

export interface UserKeyWords extends SharedOptions {
  readonly address: string;
  readonly type: UserKeyType;
}

export const makeParseUserKey =
  (type: UserKeyType) =>
  (args: readonly string[], now: number): UserKeyWords | typeof HELP => {
    const command = type.toLowerCase();
    const { values, positionals } = parse(command, args, SHARED);
    if (values.help) return HELP;
    const [address, ...surplus] = positionals;
    if (address === undefined) throw misuse(command, `${command} needs a mail address`);
    refuse(command, surplus);
    return { address, type, ...shared(values, now) };
  };
