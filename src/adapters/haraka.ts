/**
 * `danelaw/haraka`: an outbound plugin that sends Haraka's mail by DANE and MTA-STS.
 *
 * Haraka's own TLS either demands what the web's authorities vouch for or takes anything, so `get_mx` names a Unix socket in
 * its place: one for each domain, with a relay behind it. Does not: lift Haraka's `force_tls`; with that a message waits,
 * because the socket in this machine offers no STARTTLS.
 * @module
 */
import { join } from 'node:path';
import { parseNextHop } from '../dane/next-hop.ts';
import { type Relay, type RelayLimits, startRelay } from '../index.ts';
import { type GateOptions, privateFolder } from './gate.ts';

/** `haraka-constants`. */
const OK = 906;
const DENY = 902;
const DENYSOFT = 903;

type Next = (code: number, result?: unknown) => void;
type GetMx = (next: Next, hmail: unknown, domain: string) => void;

/** As much of a Haraka plugin as is needed. */
export interface HarakaPlugin {
  register_hook(hook: 'get_mx', method: string, priority?: number): void;
}

/** Domains with a socket of their own at once; the one that has waited longest makes way. */
const MAX_DOMAINS = 512;
/** Below the 30 s that `connect_timeout` of outbound.ini grants to a greeting. */
const LIMITS: Partial<RelayLimits> = { patienceMs: 25_000 };

/**
 * Called from a plugin's `register`: every outbound domain goes by DANE and MTA-STS, before other plugins that say where mail
 * goes.
 *
 * @param options  those of `startRelay`
 * @throws TypeError where `plugin` takes no hooks: nothing would be enforced
 */
export function register(plugin: HarakaPlugin, options: GateOptions = {}): void {
  if (typeof plugin.register_hook !== 'function')
    throw new TypeError('plugin: without register_hook nothing would be enforced');
  const ways = new Ways(options);
  const getMx: GetMx = (next, _hmail, domain) => {
    const parsed = parseNextHop(domain);
    if (parsed.kind === 'malformed') next(DENY, parsed.why);
    else
      ways.to(domain).then(
        (path) => next(OK, { priority: 0, path }),
        (error: unknown) => next(DENYSOFT, String(error)),
      );
  };
  Object.assign(plugin, { danelaw_get_mx: getMx });
  plugin.register_hook('get_mx', 'danelaw_get_mx', FIRST);
}

/** Haraka runs hooks by priority, from -100 to 100. */
const FIRST = -100;

interface Held {
  readonly path: string;
  readonly relay: Promise<Relay>;
}

/** The sockets by domain, the one used last at the end. */
class Ways {
  readonly #options: GateOptions;
  readonly #folder = privateFolder();
  readonly #held = new Map<string, Held>();
  #count = 0;

  constructor(options: GateOptions) {
    this.#options = { ...options, limits: { ...LIMITS, ...options.limits } };
  }

  async to(domain: string): Promise<string> {
    const held = this.#held.get(domain) ?? this.#start(domain);
    this.#held.delete(domain);
    this.#held.set(domain, held);
    try {
      await held.relay;
    } catch (error) {
      this.#held.delete(domain);
      throw error;
    }
    this.#makeRoom();
    return held.path;
  }

  #start(nextHop: string): Held {
    this.#count += 1;
    const path = join(this.#folder, String(this.#count));
    const relay = startRelay({ ...this.#options, at: { path }, nextHop });
    relay.then(
      (one) => one.unref(),
      () => {}, // who asked for it hears of it
    );
    return { path, relay };
  }

  /** Mail under way is not cut off: the relay takes nobody new, and goes with its last session. */
  #makeRoom(): void {
    for (const [domain, { relay }] of this.#held) {
      if (this.#held.size <= MAX_DOMAINS) return;
      this.#held.delete(domain);
      relay.then((one) => one.retire());
    }
  }
}
