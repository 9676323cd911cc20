/**
 * The command lines of `danelaw tlsa` and of the look-ups of users' keys.
 * @module
 */
import type { Action } from '../dane/rollover-plan.ts';
import { type Tlsa, whyUnusable } from '../dane/tlsa.ts';
import { type Combination, USUAL } from '../dane/tlsa-make.ts';
import type { UserKeyType } from '../dane/user-keys.ts';
import type { ServerAddress } from '../environment.ts';
import { type Credential, readCredentials } from '../tls/pem.ts';
import type { ProtocolName } from '../tls/protocols.ts';
import {
  type NamedDomain,
  parseDomain,
  parsePort,
  parseProtocol,
  parseServer,
  readOctets,
} from './arguments.ts';
import { Misuse } from './misuse.ts';
import {
  given,
  HELP,
  misuse,
  parse,
  refuse,
  SHARED,
  type SharedOptions,
  several,
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

const PLAN = {
  ...SHARED,
  ...COMBINATION,
  current: { type: 'string' },
  next: { type: 'string' },
  since: { type: 'string' },
  'longest-ttl': { type: 'string' },
  step: { type: 'string' },
  protocol: { type: 'string' },
  'no-probe': { type: 'boolean' },
  'no-ipv6': { type: 'boolean' },
} as const;

export interface PlanWords extends SharedOptions {
  readonly place: Place;
  readonly current: CredentialFile;
  readonly next: CredentialFile;
  readonly target: Combination | undefined;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  readonly longestTtl: number | undefined;
  readonly step: Action | undefined;
  /** What the host speaks; SMTP as between mail servers where it is left out. */
  readonly protocol: ProtocolName | undefined;
  readonly probe: 'live' | 'none';
}

export function parsePlan(args: readonly string[], now: number): PlanWords | typeof HELP {
  const { values, positionals } = parse('tlsa plan', args, PLAN);
  if (values.help) return HELP;
  const [place, ...surplus] = positionals;
  if (place === undefined) throw misuse('tlsa plan', 'tlsa plan needs a host');
  refuse('tlsa plan', surplus);
  const current = given(values, 'current', readFile);
  const next = given(values, 'next', readFile);
  if (!current || !next)
    throw misuse('tlsa plan', 'tlsa plan needs --current FILE and --next FILE');
  return {
    place: parsePlace(place),
    current,
    next,
    target: combinationOf(values),
    since: given(values, 'since', (text) => parsePast(text, now)),
    longestTtl: given(values, 'longest-ttl', parseTtl),
    step: given(values, 'step', parseStep),
    protocol: given(values, 'protocol', parseProtocol),
    probe: values['no-probe'] ? 'none' : 'live',
    ...shared(values, now),
    ...(values['no-ipv6'] && { families: 'ipv4' }),
  };
}

function parseStep(text: string): Action {
  if (text === 'publish' || text === 'deploy' || text === 'remove') return text;
  throw new Misuse(`"${text}" is no step: use publish, deploy or remove`);
}

function parsePast(text: string, now: number): number {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new Misuse(`"${text}" is no time: write it in UTC, such as 2026-12-01T00:00Z`);
  if (ms > now)
    throw new Misuse(`${text} is still to come: give when the records were first there`);
  return ms;
}

/** A host, and the port of its service. */
export interface Place {
  readonly host: NamedDomain;
  /** Whether it was given: then the name is that of a server, and not of a domain with MX records. */
  readonly port: number | undefined;
}

/** `mx.example.com` or `mx.example.com:587`. */
export function parsePlace(text: string): Place {
  const [, host = text, port] = /^(.*):([^:\]]*)$/.exec(text) ?? [];
  return port === undefined
    ? { host: parseDomain(text), port: undefined }
    : { host: parseDomain(host), port: parsePort(port) };
}

const VERIFY = {
  ...SHARED,
  record: { type: 'string', multiple: true },
  connect: { type: 'string' },
} as const;

export interface VerifyWords extends SharedOptions {
  readonly place: Place;
  /** In place of those that are published. */
  readonly records: readonly Tlsa[] | undefined;
  /** In place of the addresses that the DNS has. */
  readonly connect: ServerAddress | undefined;
}

export function parseVerify(args: readonly string[], now: number): VerifyWords | typeof HELP {
  const { values, positionals } = parse('tlsa verify', args, VERIFY);
  if (values.help) return HELP;
  const [text, ...surplus] = positionals;
  if (text === undefined) throw misuse('tlsa verify', 'tlsa verify needs a host or domain');
  refuse('tlsa verify', surplus);
  const place = parsePlace(text);
  return {
    place,
    records: several(values, 'record', (all) => all.map(parseRecord)),
    connect: given(values, 'connect', (at) =>
      parseServer(at, place.port ?? SMTP_PORT, '192.0.2.1, 192.0.2.1:2525, ::1 or [::1]:2525'),
    ),
    ...shared(values, now),
  };
}

/** `3 1 1 29b1...`, as in a zone file; blanks may stand in the data. */
function parseRecord(text: string): Tlsa {
  const [, usage, selector, matchingType, hex = ''] =
    /^\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+([0-9a-f\s]+)$/i.exec(text) ?? [];
  const digits = hex.replaceAll(/\s+/g, '');
  const record = {
    usage: Number(usage),
    selector: Number(selector),
    matchingType: Number(matchingType),
    associationData: new Uint8Array(Buffer.from(digits, 'hex')),
  };
  if (digits === '' || digits.length % 2 > 0)
    throw new Misuse(`"${text}" is no TLSA record: write '3 1 1 29b1...', the data in hexadecimal`);
  const why = whyUnusable(record, { usages: 'all' });
  if (why !== undefined) throw new Misuse(`"${text}" is of no use to anybody: ${why}`);
  return record;
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
