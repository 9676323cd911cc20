/**
 * One question to the servers of one zone: the best one first, the others until one gives a usable reply.
 *
 * Known addresses come before those that have to be looked up. A slow server does not hold up the next one, and one that was
 * silent gets another chance when all others have failed, for packets get lost. A lame or refusing one does not. Does not: walk, cache or judge.
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { LimitName } from '../dnssec/budget.ts';
import { spent } from '../dnssec/delegation.ts';
import type { Failure } from '../dnssec/outcome.ts';
import type { AlarmClock, ServerAddress } from '../environment.ts';
import { classify, describe, type Meaning } from './classify.ts';
import type { Exchange, Exchanged, Means, Sender, Sent } from './exchange.ts';
import type { Job } from './job.ts';
import { type Scrubbed, scrub } from './scrub.ts';
import { addressesIn, serverKey } from './server-address.ts';
import type { Servers } from './servers.ts';
import { firstOf, type Tried } from './waves.ts';
import type { Nameserver, ZoneCut } from './zone.ts';

/** Empty where the host has none of that type; `undefined` where they could not be had. */
export type FindAddresses = (
  host: Name,
  type: 'A' | 'AAAA',
  job: Job,
) => Promise<readonly ServerAddress[] | undefined>;

export type Reply =
  | {
      readonly kind: 'reply';
      readonly reply: Scrubbed;
      /** Who gave it. */
      readonly server: ServerAddress;
      readonly sender: Sender;
      readonly meaning: Extract<Meaning, { kind: 'answer' | 'referral' }>;
    }
  | { readonly kind: 'unreachable'; readonly failure: Failure };

export interface AskOptions {
  /** For a probe that QNAME minimisation makes: an error is no reason to ask all the others, for the full name follows. */
  readonly patience?: 'all-servers' | 'probe';
  /** `tcp`: no datagram is sent, nor believed. */
  readonly over?: Means['over'];
}

export type Ask = (
  cut: ZoneCut,
  question: Question,
  job: Job,
  options?: AskOptions,
) => Promise<Reply>;

/** Which addresses are sent to. */
export type Families = 'both' | 'ipv4' | 'ipv6';

export interface AskParts {
  readonly clock: AlarmClock;
  readonly families: Families;
  readonly exchange: Exchange;
  readonly servers: Servers;
  readonly findAddresses: FindAddresses;
  /** Addresses of a host that the delegation of its own zone has shown. */
  readonly glueOf: (host: Name) => readonly ServerAddress[];
}

/** Server names of one delegation that are considered (BIND, PowerDNS). */
const MAX_SERVER_NAMES = 13;
/** Servers that a failure names. */
const MOST_TOLD = 8;
/** Times that one server may be silent to one question; a forwarder may need as long as the question has. */
const MAX_SILENCES = { authoritative: 3, forwarder: 5 } as const;
/** Silent servers that are asked again: with 26 addresses of the root that leaves some of the queries of one fetch. */
const MAX_AGAIN = 8;
/** A server has so long for itself before another is asked beside it; a forwarder has servers of its own to wait for. */
const STEP_MS = { authoritative: 400, forwarder: 1_500 } as const;
/**
 * So long the servers of one zone may be silent to one question, which is then said to be unreachable: within 5 seconds in
 * all, and with time left for other servers of other zones. Looking up addresses does not count.
 */
const PATIENCE_MS = { authoritative: 4_000, forwarder: Number.POSITIVE_INFINITY } as const;
/** RFC 9156 section 2.3: a minimised name that gets so many timeouts is given up for the full one. */
const MAX_PROBE_FAILURES = 3;

export function makeAsk(parts: AskParts): Ask {
  return (cut, question, job, { patience = 'all-servers', over = 'udp-first' } = {}) =>
    new Round(parts, { cut, question, job, patience, over }).run();
}

const TYPES = { both: ['A', 'AAAA'], ipv4: ['A'], ipv6: ['AAAA'] } as const;
const OTHER = { both: undefined, ipv4: 'ipv6', ipv6: 'ipv4' } as const;
const familyOf = (ip: string): 'ipv4' | 'ipv6' => (ip.includes(':') ? 'ipv6' : 'ipv4');

interface Task {
  readonly cut: ZoneCut;
  readonly question: Question;
  readonly job: Job;
  readonly patience: 'all-servers' | 'probe';
  readonly over: Means['over'];
}

/** What has come of one server. */
interface Asked {
  readonly server: ServerAddress;
  /** It has been sent to, and neither has answered nor been given up. */
  isUnderWay: boolean;
  /** There is no use in asking it again; those that were silent may be. */
  isDone: boolean;
  failures: number;
  /** What it came to in the end, for people. */
  said: string | undefined;
}

/** One question's way round the servers of a zone. */
class Round {
  readonly #parts: AskParts;
  readonly #task: Task;
  /** By `serverKey`, in the order in which they were asked. */
  readonly #asked = new Map<string, Asked>();
  #failures = 0;
  #sentAny = false;
  /** Some server has said something. */
  #isHeard = false;
  #patienceMs: number;
  /** What says nothing, kept for the case that nobody says more. */
  #empty: Reply | undefined;

  constructor(parts: AskParts, task: Task) {
    this.#parts = parts;
    this.#task = task;
    this.#patienceMs = PATIENCE_MS[task.cut.role];
  }

  async run(): Promise<Reply> {
    const { cut } = this.#task;
    const known = cut.nameservers.slice(0, MAX_SERVER_NAMES);
    const first = await this.#tryAll(known.flatMap(({ addresses }) => addresses));
    return first ?? (await this.#goOn(known));
  }

  /** None of the addresses that are known has said anything of use. */
  async #goOn(known: readonly Nameserver[]): Promise<Reply> {
    const { cut } = this.#task;
    // A host inside the zone is known by glue or not at all: only these very servers could tell its address.
    const outside =
      cut.role === 'forwarder' ? [] : known.filter(({ host }) => !host.isAtOrBelow(cut.name));
    const bare = outside.filter(({ addresses }) => addresses.length === 0);
    const result =
      (await this.#tryGlue(bare)) ??
      (await this.#lookUpAndTry(bare)) ??
      (await this.#tryGlue(bare)) ?? // the look-ups may have come across it
      (await this.#trySilentAgain()) ??
      (await this.#askParentForGlue(known)) ??
      // Glue that has failed may be stale or forged; the hosts' own zones know better.
      (await this.#lookUpAndTry(outside.filter(({ addresses }) => addresses.length > 0)));
    if (result) return result;
    if (this.#task.patience === 'all-servers')
      for (const [key, { failures }] of this.#asked)
        if (failures > 0) this.#task.job.noteSilent(this.#task.question, key);
    return this.#empty ?? this.#unreachable();
  }

  /** All at once: each has had its time alone. */
  async #trySilentAgain(): Promise<Reply | undefined> {
    const { role } = this.#task.cut;
    for (let silences = 1; silences < MAX_SILENCES[role]; silences += 1) {
      const silent = this.#failed.map(({ server }) => server);
      const result = await this.#tryAll(silent.slice(0, MAX_AGAIN), MAX_AGAIN);
      if (result) return result;
    }
    return undefined;
  }

  get #failed(): readonly Asked[] {
    return [...this.#asked.values()].filter(({ failures }) => failures > 0);
  }

  #tryGlue(nameservers: readonly Nameserver[]): Promise<Reply | undefined> {
    return this.#tryAll(nameservers.flatMap(({ host }) => this.#parts.glueOf(host)));
  }

  /** Hosts inside the zone without glue: a parent that has left it out of the referral may still know it. */
  async #askParentForGlue(nameservers: readonly Nameserver[]): Promise<Reply | undefined> {
    const { cut, job } = this.#task;
    const lost = nameservers.filter(
      ({ host, addresses }) => addresses.length === 0 && host.isAtOrBelow(cut.name),
    );
    if (!cut.parent || cut.known !== 'by-referral') return undefined;
    for (const { host } of lost) {
      if (this.#hasGivenUp || !job.budget.spend('server-lookups')) return undefined;
      const task = { cut: cut.parent, question: { name: host, type: 'A' }, job } as const;
      const asked = await new Round(this.#parts, {
        ...task,
        patience: 'probe',
        over: 'udp-first',
      }).run();
      if (asked.kind === 'unreachable') continue;
      const { answer, glue } = asked.reply;
      const result = await this.#tryAll(addressesIn([...answer, ...glue], host, 'A'));
      if (result) return result;
    }
    return undefined;
  }

  async #lookUpAndTry(nameservers: readonly Nameserver[]): Promise<Reply | undefined> {
    for (const { host } of nameservers)
      for (const type of TYPES[this.#parts.families]) {
        if (this.#hasGivenUp) return undefined;
        const addresses = await this.#parts.findAddresses(host, type, this.#task.job);
        if (!addresses) break; // its zone cannot be asked, for this type or another
        const result = await this.#tryAll(addresses);
        if (result) return result;
      }
    return undefined;
  }

  get #hasGivenUp(): boolean {
    const { patience, job } = this.#task;
    const hasFailed = patience === 'probe' && this.#failures >= MAX_PROBE_FAILURES;
    return hasFailed || this.#patienceMs <= 0 || job.leftMs <= 0;
  }

  /** The first usable reply of these; `undefined` when there is none. */
  async #tryAll(addresses: readonly ServerAddress[], atFirst = 1): Promise<Reply | undefined> {
    const { clock, servers } = this.#parts;
    const { cut, job } = this.#task;
    const left = [...servers.order(addresses)];
    const next = (): Promise<Tried<Reply>> | undefined => {
      if (this.#hasGivenUp) return undefined;
      const at = left.findIndex((server) => this.#isWorthAsking(server));
      const [server] = left.splice(0, at + 1).slice(-1);
      return at >= 0 && server ? this.#try(server) : undefined;
    };
    const began = clock.now();
    const patienceMs = Math.min(this.#patienceMs, job.leftMs);
    const result = await firstOf(clock, { next, atFirst, stepMs: STEP_MS[cut.role], patienceMs });
    this.#patienceMs -= clock.now() - began;
    return result;
  }

  #isWorthAsking(server: ServerAddress): boolean {
    const { cut, question, job } = this.#task;
    const key = serverKey(server);
    if (familyOf(server.ip) === OTHER[this.#parts.families]) return false;
    const asked = this.#asked.get(key);
    if (asked?.isDone || asked?.isUnderWay) return false;
    if (job.isAvoided(cut.name, key) || job.isSilent(question, key)) return false;
    return (asked?.failures ?? 0) < MAX_SILENCES[cut.role];
  }

  async #try(server: ServerAddress): Promise<Tried<Reply>> {
    const { cut, question, job, patience } = this.#task;
    const key = serverKey(server);
    const asked = this.#note(server, key);
    asked.isUnderWay = true;
    const exchanged = await this.#parts.exchange(server, question, this.#means, job);
    asked.isUnderWay = false;
    const { received } = exchanged;
    if (received.kind === 'spent') return success(this.#limited(received.limit));
    if (received.kind === 'failed') {
      this.#trace(asked, exchanged, sayingOf(received));
      this.#noteFailure(asked, received.why);
      return { kind: received.why === 'timeout' ? 'silent' : 'failed' };
    }
    this.#sentAny = true;
    this.#isHeard = true;
    const { message, sender } = received;
    const reply = scrub(message, question, cut.name);
    const meaning = classify(question, reply, cut);
    this.#trace(asked, exchanged, describe(reply, meaning));
    if (meaning.kind === 'answer' || meaning.kind === 'referral' || meaning.kind === 'empty')
      job.noteReply(cut.name, question, key);
    if (meaning.kind === 'answer' || meaning.kind === 'referral')
      return success({ kind: 'reply', reply, server, sender, meaning });
    asked.isDone = true;
    if (meaning.kind === 'empty')
      this.#empty ??= { kind: 'reply', reply, server, sender, meaning: { kind: 'answer' } };
    this.#failures += patience === 'probe' ? MAX_PROBE_FAILURES : 1;
    return { kind: 'failed' };
  }

  #note(server: ServerAddress, key: string): Asked {
    const known = this.#asked.get(key);
    if (known) return known;
    const asked = { server, isUnderWay: false, isDone: false, failures: 0, said: undefined };
    this.#asked.set(key, asked);
    return asked;
  }

  /** Where nothing but silence has eaten up what one fetch may send, that is what there is to say. */
  #limited(limit: LimitName): Reply {
    const mayBeSilence = limit === 'queries-per-fetch' && !this.#isHeard;
    return mayBeSilence && this.#failed.length > 0 ? this.#unreachable() : this.#spent(limit);
  }

  get #means(): Means {
    const { cut, job, over } = this.#task;
    if (cut.role === 'authoritative') return { manner: 'iterative', over };
    const manner = job.checking === 'disabled' ? 'recursive-unchecked' : 'recursive-checked';
    return { manner, over };
  }

  #noteFailure(asked: Asked, why: FailedReceipt['why']): void {
    this.#failures += 1;
    if (why !== 'unreachable' && why !== 'unverified') this.#sentAny = true;
    if (why !== 'timeout') asked.isDone = true;
    asked.failures += 1;
  }

  #trace(asked: Asked, { sent }: Exchanged, result: string): void {
    const { cut, question, job } = this.#task;
    asked.said = result;
    const { ip } = asked.server;
    let left = sent.length;
    for (const { at, milliseconds, over, fault } of sent) {
      left -= 1;
      const said = left === 0 ? result : nameOf(fault);
      job.trace.push({
        kind: 'exchange',
        at,
        milliseconds,
        zone: cut.name,
        server: ip,
        over,
        question,
        result: said,
      });
    }
  }

  #spent(limit: LimitName): Reply {
    const { cut, question } = this.#task;
    return {
      kind: 'unreachable',
      failure: spent(cut.name, question.name, question.type, limit),
    };
  }

  get #told(): readonly { ip: string; said: string }[] {
    return [...this.#asked.values()]
      .flatMap(({ server: { ip }, said }) => (said === undefined ? [] : { ip, said }))
      .slice(0, MOST_TOLD);
  }

  #unreachable(): Reply {
    const { cut, question, job } = this.#task;
    if (job.leftMs <= 0) return this.#spent('wall-clock');
    const exceeded = this.#sentAny || this.#failures > 0 ? undefined : job.budget.exceeded;
    if (exceeded) return this.#spent(exceeded);
    const nothingSent = this.#failures > 0 && !this.#sentAny;
    return {
      kind: 'unreachable',
      failure: {
        status: 'indeterminate',
        reason: nothingSent ? 'network-error' : 'unreachable',
        fault: {
          zone: cut.name,
          owner: question.name,
          type: question.type,
          detail: { kind: 'servers', servers: this.#told },
        },
      },
    };
  }
}

const success = (value: Reply): Tried<Reply> => ({ kind: 'success', value });

type FailedReceipt = Extract<Exchanged['received'], { kind: 'failed' }>;

const sayingOf = (failed: FailedReceipt): string =>
  failed.why === 'unverified' ? `does not prove its TLS name (${failed.code})` : failed.why;

const nameOf = (fault: Sent['fault']): string =>
  fault === 'mismatch' ? 'a reply to something else' : (fault ?? 'a reply');
