/**
 * `danelaw/promises`: a `Resolver` with the methods, shapes and error codes of `node:dns/promises`, that proves what it
 * answers.
 *
 * Results carry `status` (`secure`, `insecure`) and `reason`, errors those and `ede`. What is bogus is `ESERVFAIL`, never
 * data. Does not: read /etc/hosts or /etc/resolv.conf, or answer ANY, which by RFC 8482 nobody may count on.
 * @module
 */
import type { RecordWithTtl } from 'node:dns';
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { parseIPv4, parseIPv6 } from '../dns/address.ts';
import { Name, NameError } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Outcome } from '../dnssec/outcome.ts';
import type { InsecureReason } from '../dnssec/reason.ts';
import type { ServerAddress } from '../environment.ts';
import { createResolver, type Resolver as Prover, type ResolverOptions } from '../index.ts';
import {
  codeWithoutData,
  type DnsCall,
  DnsError,
  type DnsErrorCode,
  proofOf,
} from './dns-error.ts';
import {
  isNodeType,
  type NodeAnswers,
  type NodeType,
  readAnswer,
  withTtls,
} from './dns-records.ts';
import {
  type HostAddress,
  isLocal,
  type LookupManner,
  type LookupOptions,
  localAddresses,
  noAddress,
  readManner,
} from './host-lookup.ts';
import { printServer, readServer } from './server-text.ts';

/** Data with its proof beside it: own properties that do not show in `JSON.stringify`, `Object.keys` and deep comparison. */
export type Proved<T> = T & {
  readonly status: 'secure' | 'insecure';
  /** Why it is not secure. */
  readonly reason?: InsecureReason;
};

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  found: string | HostAddress[],
  family?: number,
) => void;

export class Resolver {
  /** What the resolver was made of; `undefined` where somebody else made it. */
  readonly #options: Partial<ResolverOptions> | undefined;
  #prover: Prover;
  #servers: readonly ServerAddress[];
  #giveUp = newController();

  /**
   * @param given  a resolver of `createResolver`, whose caches are then shared; or what one is to be made of
   */
  constructor(given: Prover | Partial<ResolverOptions> = {}) {
    this.#options = 'lookup' in given ? undefined : given;
    this.#prover = 'lookup' in given ? given : createResolver(given);
    this.#servers = this.#options?.forward ?? [];
  }

  resolve4(hostname: string, options: { readonly ttl: true }): Promise<Proved<RecordWithTtl[]>>;
  resolve4(hostname: string, options?: { readonly ttl?: false }): Promise<Proved<string[]>>;
  resolve4(hostname: string, options?: { readonly ttl?: boolean }) {
    return this.#addresses(hostname, 'A', options?.ttl);
  }

  resolve6(hostname: string, options: { readonly ttl: true }): Promise<Proved<RecordWithTtl[]>>;
  resolve6(hostname: string, options?: { readonly ttl?: false }): Promise<Proved<string[]>>;
  resolve6(hostname: string, options?: { readonly ttl?: boolean }) {
    return this.#addresses(hostname, 'AAAA', options?.ttl);
  }

  resolveCaa(hostname: string): Promise<Proved<NodeAnswers['CAA']>> {
    return this.#records(hostname, 'CAA');
  }

  resolveCname(hostname: string): Promise<Proved<NodeAnswers['CNAME']>> {
    return this.#records(hostname, 'CNAME');
  }

  resolveMx(hostname: string): Promise<Proved<NodeAnswers['MX']>> {
    return this.#records(hostname, 'MX');
  }

  resolveNaptr(hostname: string): Promise<Proved<NodeAnswers['NAPTR']>> {
    return this.#records(hostname, 'NAPTR');
  }

  resolveNs(hostname: string): Promise<Proved<NodeAnswers['NS']>> {
    return this.#records(hostname, 'NS');
  }

  resolvePtr(hostname: string): Promise<Proved<NodeAnswers['PTR']>> {
    return this.#records(hostname, 'PTR');
  }

  resolveSoa(hostname: string): Promise<Proved<NodeAnswers['SOA']>> {
    return this.#records(hostname, 'SOA');
  }

  resolveSrv(hostname: string): Promise<Proved<NodeAnswers['SRV']>> {
    return this.#records(hostname, 'SRV');
  }

  resolveTlsa(hostname: string): Promise<Proved<NodeAnswers['TLSA']>> {
    return this.#records(hostname, 'TLSA');
  }

  resolveTxt(hostname: string): Promise<Proved<NodeAnswers['TXT']>> {
    return this.#records(hostname, 'TXT');
  }

  /** Always `ENOTIMP`: what ANY brings is as much as a server feels like (RFC 8482). */
  async resolveAny(hostname: string): Promise<never> {
    throw new DnsError('ENOTIMP', {
      syscall: 'queryAny',
      hostname: textArgument(hostname, 'hostname'),
    });
  }

  resolve(hostname: string, rrtype?: 'A'): Promise<Proved<string[]>>;
  resolve(hostname: string, rrtype: 'ANY'): Promise<never>;
  resolve<T extends NodeType>(hostname: string, rrtype: T): Promise<Proved<NodeAnswers[T]>>;
  resolve(hostname: string, rrtype = 'A'): Promise<unknown> {
    if (rrtype === 'ANY') return this.resolveAny(hostname);
    if (!isNodeType(rrtype))
      throw new TypeError(`rrtype: "${rrtype}" is no type that can be asked for here`);
    return this.#records(hostname, rrtype);
  }

  /** The names of an address, by PTR alone. */
  async reverse(ip: string): Promise<Proved<string[]>> {
    const call: DnsCall = { syscall: 'getHostByAddr', hostname: textArgument(ip, 'ip') };
    const name = reverseName(ip);
    if (!name) throw new DnsError('EINVAL', call);
    const { outcome, rrset } = await this.#ask(name, 'PTR', call);
    return proved(readAnswer('PTR', rrset), [outcome]);
  }

  /**
   * The addresses of a host, as `dns.lookup` gives them: by promise, or to a callback, so that it can stand as `lookup` among
   * the options of `net.connect`, `tls.connect` and `http.request`. IPv4 comes first unless `order` says otherwise.
   *
   * @throws DnsError `ENOTFOUND` where there is no address, `EAI_AGAIN` where none could be proved
   */
  readonly lookup: Lookup = ((hostname: string, second?: unknown, third?: LookupCallback) => {
    const callback = typeof second === 'function' ? (second as LookupCallback) : third; // as dns.lookup takes it
    const manner = readManner(typeof second === 'function' ? undefined : second);
    const found = this.#hostAddresses(textArgument(hostname, 'hostname'), manner);
    if (!callback) return found.then((list) => (manner.all ? list : first(list)));
    found.then(
      (list) => {
        const { address, family } = first(list);
        if (manner.all) callback(null, [...list]);
        else callback(null, address, family);
      },
      (error: Error) => callback(error, manner.all ? [] : ''),
    );
    return undefined;
  }) as Lookup; // one function in two manners, which only the overloads tell apart

  /** The resolvers that are asked in place of the root; none where it goes from the root itself. */
  getServers(): string[] {
    return this.#servers.map(printServer);
  }

  /**
   * Has these resolvers asked in place of the root; what they say is validated just the same. With an empty list it is the
   * root again. What has been learnt so far is forgotten.
   *
   * @throws TypeError for what is no address, and where the resolver was made elsewhere
   */
  setServers(servers: readonly string[]): void {
    if (!this.#options) throw new TypeError('setServers: give `forward` to createResolver');
    const read = servers.map(readServer);
    const { forward: _, ...rest } = this.#options;
    this.#prover = createResolver({ ...rest, ...(read.length > 0 && { forward: read }) });
    this.#servers = read;
  }

  /** Ends every question under way with `ECANCELLED`. */
  cancel(): void {
    this.#giveUp.abort();
    this.#giveUp = newController();
  }

  async #records<T extends NodeType>(hostname: string, type: T): Promise<Proved<NodeAnswers[T]>> {
    const call = { syscall: syscallOf(type), hostname: textArgument(hostname, 'hostname') };
    const { outcome, rrset } = await this.#ask(nameOf(call), type, call);
    return proved(readAnswer(type, rrset), [outcome]);
  }

  async #addresses(hostname: string, type: 'A' | 'AAAA', ttl = false): Promise<never> {
    const call = { syscall: syscallOf(type), hostname: textArgument(hostname, 'hostname') };
    const { outcome, rrset } = await this.#ask(nameOf(call), type, call);
    const list = ttl ? withTtls(type, rrset) : readAnswer(type, rrset);
    return proved(list, [outcome]) as never; // the overloads say which of the two it is
  }

  async #ask(name: Name, type: NodeType, call: DnsCall): Promise<Answered> {
    const outcome = await this.#outcome(name, type, call);
    const code = codeWithoutData(outcome);
    const rrset = rrsetOf(outcome);
    if (code !== undefined || !rrset) throw new DnsError(code ?? 'ENODATA', call, proofOf(outcome));
    return { outcome, rrset };
  }

  async #outcome(name: Name, type: NodeType, call: DnsCall): Promise<Outcome> {
    const { signal } = this.#giveUp;
    try {
      return await this.#prover.lookup(name, type, { signal });
    } catch (error) {
      if (signal.aborted) throw new DnsError('ECANCELLED', call);
      throw error;
    }
  }

  async #hostAddresses(hostname: string, manner: LookupManner): Promise<Proved<HostAddress[]>> {
    const call: DnsCall = { syscall: 'getaddrinfo', hostname };
    const literal = isIP(hostname);
    if (literal) return proved([{ address: hostname, family: literal }], []);
    const name = nameOf(call, 'ENOTFOUND');
    if (isLocal(name)) return proved(localAddresses(manner), []);
    const asked = manner.families.map(async (family) => {
      const type = family === 4 ? 'A' : 'AAAA';
      const outcome = await this.#outcome(name, type, call);
      const rrset = rrsetOf(outcome);
      const addresses = rrset ? readAnswer(type, rrset) : [];
      return { outcome, found: addresses.map((address) => ({ address, family })) };
    });
    const answers = await Promise.all(asked);
    const found = answers.flatMap((answer) => answer.found);
    if (found.length === 0)
      throw noAddress(
        answers.map(({ outcome }) => outcome),
        call,
      );
    const sorted = manner.order === 'ipv6first' ? found.toReversed() : found;
    const counted = answers.filter((answer) => answer.found.length > 0);
    return proved(
      sorted,
      counted.map(({ outcome }) => outcome),
    );
  }
}

/** `dns.lookup` and `dns.promises.lookup` in one. */
export interface Lookup {
  (
    hostname: string,
    options: LookupOptions & { readonly all: true },
  ): Promise<Proved<HostAddress[]>>;
  (
    hostname: string,
    options?: number | (LookupOptions & { readonly all?: false }),
  ): Promise<Proved<HostAddress>>;
  (hostname: string, callback: LookupCallback): void;
  // net.connect's own type for it has all options together.
  (hostname: string, options: LookupOptions | object | number, callback: LookupCallback): void;
}

interface Answered {
  readonly outcome: Outcome;
  readonly rrset: RRset;
}

/** Every question under way listens to it, which are more than the ten that Node takes for a leak. */
function newController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

const rrsetOf = (outcome: Outcome): RRset | undefined =>
  'answer' in outcome && outcome.answer.kind === 'records' ? outcome.answer.rrset : undefined;

/** Secure where all of it is; where there was no question (addresses, `localhost`) there is no reason either. */
function proved<T extends object>(data: T, outcomes: readonly Outcome[]): Proved<T> {
  const weak = outcomes.find(({ status }) => status !== 'secure');
  const isSecure = outcomes.length > 0 && !weak;
  const { status, reason } = weak ? proofOf(weak) : { status: isSecure ? 'secure' : 'insecure' };
  Object.defineProperty(data, 'status', { value: status });
  if (reason !== undefined) Object.defineProperty(data, 'reason', { value: reason });
  return data as Proved<T>; // made one just now
}

/** The first of a list that is not empty, with the proof of the list. */
function first(list: Proved<HostAddress[]>): Proved<HostAddress> {
  const [{ address, family } = { address: '', family: 0 }] = list;
  const alone = { address, family };
  Object.defineProperty(alone, 'status', { value: list.status });
  if (list.reason !== undefined) Object.defineProperty(alone, 'reason', { value: list.reason });
  return alone as Proved<HostAddress>; // made one just now
}

function textArgument(value: unknown, argument: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${argument}: a string is needed`);
}

/** `queryMx`, as Node names it. */
const syscallOf = (type: NodeType): string =>
  `query${type.slice(0, 1)}${type.slice(1).toLowerCase()}`;

/** A-labels of what people write (RFC 5891 section 4.4 leaves that to the application). */
function nameOf(call: DnsCall, code: DnsErrorCode = 'EBADNAME'): Name {
  const { hostname } = call;
  const isAscii = /^[\0-\x7f]*$/.test(hostname);
  const ascii = isAscii ? hostname : domainToASCII(hostname);
  try {
    if (ascii !== '') return Name.parse(ascii);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
  }
  throw new DnsError(code, call);
}

/** RFC 1035 section 3.5, RFC 3596 section 2.5. */
function reverseName(ip: string): Name | undefined {
  const v4 = parseIPv4(ip);
  if (v4) return Name.parse(`${[...v4].reverse().join('.')}.in-addr.arpa`);
  const v6 = parseIPv6(ip);
  if (!v6) return undefined;
  const nibbles = [...Buffer.from(v6).toString('hex')].reverse();
  return Name.parse(`${nibbles.join('.')}.ip6.arpa`);
}
