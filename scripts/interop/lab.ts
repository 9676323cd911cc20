/**
 * The lab of `../shared/lab`: real NSD and Knot servers in network namespaces, here under a prefix of our own, so that
 * another lab on the machine is not disturbed.
 *
 * Does not: make zones or sign them (the lab's generator does), or say what a probe should come to (`lab.json` does).
 * @module
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Crew } from './crew.ts';

/** From build/scripts/interop/. */
const PROJECT = new URL('../../../', import.meta.url);
const LAB = fileURLToPath(new URL('../shared/lab/', PROJECT));

/** The command under test. */
export const CLI = fileURLToPath(new URL('build/src/cli/main.js', PROJECT));

/**
 * Domains in the synthetic tree. About one in thirty has signed name servers and a mail host of its own, the
 * class of question whose latency is measured, and twenty of those are wanted, some to spare.
 */
const DOMAINS = 800;

export interface Probe {
  readonly kind: string;
  readonly cls: 'secure' | 'insecure' | 'bogus' | 'info';
  readonly q: string;
  readonly type: string;
  /** Any of these. */
  readonly rcode: readonly string[];
  /** `null`: either. */
  readonly ad: 0 | 1 | null;
}

export interface Domain {
  readonly i: number;
  readonly name: string;
  readonly tld: string;
  readonly alg: number;
  readonly signed: boolean;
  /** Signed, and a DS at its parent. */
  readonly ds: boolean;
  /** Name servers within the domain, with glue. */
  readonly self: boolean;
  /** MX hosts within the domain. */
  readonly own: boolean;
  /** The provider whose MX hosts it has, by its place in `provs`. */
  readonly prov: number | null;
  readonly tlsa: boolean;
  readonly mx: readonly string[];
}

/** Hosts of DNS and mail for many domains. */
export interface Provider {
  readonly name: string;
  readonly signed: boolean;
  readonly tlsa: boolean;
}

export interface MailCase {
  readonly kind: string;
  /** Of the decision table in ../shared/spec/dane-decisions.md. */
  readonly row: string;
  readonly rcpt: string;
  /** `[host]:port` where the next hop is a relay. */
  readonly transport: string | null;
  readonly about: string;
  readonly hosts: readonly {
    readonly label: string;
    readonly name: string;
    readonly addr: string;
  }[];
  readonly want: {
    readonly as: 'verified' | 'trusted' | 'encrypted' | 'opportunistic' | 'deferred' | 'failed';
    /** The enhanced status code, where the table has one. */
    readonly dsn: string | null;
    /** The label of the host that must take the message, where there are several. */
    readonly via: string | null;
    /** Addresses that must not be contacted. */
    readonly untouched: readonly string[];
    /** A zone whose servers must not be asked for TLSA. */
    readonly noTlsaQuery: string | null;
  };
}

export interface LabFile {
  readonly opts: { readonly n: number };
  readonly inc: number;
  readonly exp: number;
  readonly tlds: readonly { readonly name: string; readonly alg: number }[];
  readonly provs: readonly Provider[];
  readonly doms: readonly Domain[];
  readonly probes: readonly Probe[];
  readonly mail: readonly MailCase[];
  /** Zones behind a name server that misbehaves. */
  readonly faults: readonly { readonly zone: string }[];
}

/** @returns why the suite cannot run here, in one line */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux (network namespaces)';
  if (!existsSync(join(LAB, 'lab.sh'))) return 'the lab is not at ../shared/lab';
  if (!existsSync(CLI)) return 'the build is missing: npm run build';
  if (process.getuid?.() !== 0)
    return 'not root, which namespaces and Debian packages take (unbound, nsd, knot, dnsperf and more; sudo npm run interop)';
  if (!inPath('apt-get') || !inPath('dpkg')) return 'no apt-get: the lab installs Debian packages';
  if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun, which the lab delays packets with';
  return undefined;
}

const inPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

export type Place = 'res' | 'tld' | 'sld';

export class Lab {
  readonly state: string;
  readonly namespace = `dnl${process.pid}`;
  readonly #crew: Crew;
  readonly #env: NodeJS.ProcessEnv;
  #up = false;

  /** @param state  where zones, keys and certificates live; a fresh temporary folder where it is left out */
  constructor(crew: Crew, state?: string) {
    this.#crew = crew;
    this.state = state ?? mkdtempSync(join(tmpdir(), 'danelaw-interop-'));
    mkdirSync(join(this.state, 'run'), { recursive: true });
    // Postfix's own accounts must get at its queue below.
    chmodSync(this.state, 0o755);
    const apt = join(this.state, 'apt.conf');
    writeFileSync(apt, 'DPkg::Lock::Timeout "300";\n'); // another apt-get at work is waited for
    this.#env = {
      LAB_STATE: this.state,
      LAB_NS: this.namespace,
      LAB_RESULTS: join(this.state, 'results'),
      APT_CONFIG: apt,
      ...(availableParallelism() > 1 ? {} : { LAB_AUTH_CPU: '0', LAB_LOAD_CPU: '0' }),
    };
  }

  path(...below: string[]): string {
    return join(this.state, ...below);
  }

  /** What DECISIONS.md says under a number. */
  decision(number: number): string {
    const decisions = readFileSync(new URL('DECISIONS.md', PROJECT), 'utf8').split('\n');
    return decisions.find((line) => line.startsWith(`| ${number} |`)) ?? '';
  }

  /** One of the lab's own scripts. */
  script(name: string): string {
    return join(LAB, name);
  }

  get file(): LabFile {
    // As written by the lab's generator.
    return JSON.parse(readFileSync(this.path('lab.json'), 'utf8')) as LabFile;
  }

  /** Installs the packages that the lab needs. */
  async setup(): Promise<void> {
    // Where this folder is, the lab does without the resolver from npm that its bench compares; nothing here runs it.
    mkdirSync(this.path('bns', 'node_modules', 'bns'), { recursive: true });
    await this.#crew.must([this.script('lab.sh'), 'setup'], { env: this.#env });
  }

  /** Unpacks Postfix and Exim, which are not installed. */
  async unpackServers(): Promise<void> {
    await this.#crew.must([this.script('mta/setup.sh')], { env: this.#env });
  }

  /** Makes keys, certificates and zones, unless the state folder holds them already. */
  async generate(): Promise<void> {
    if (existsSync(this.path('lab.json')) && this.file.opts.n >= DOMAINS) return;
    const options = ['--n', String(DOMAINS)];
    await this.#crew.must([this.script('lab.sh'), 'gen', ...options], { env: this.#env });
  }

  /** Makes the namespaces and starts the authoritative servers. */
  async up(): Promise<void> {
    this.#up = true;
    await this.net('up');
  }

  /** `up`, `fast`, `latency` with round-trip times, and so on: see the lab's net/net.sh. */
  async net(...parameters: string[]): Promise<void> {
    await this.#crew.must([this.script('net/net.sh'), ...parameters], { env: this.#env });
  }

  /** The bench, which measures the other resolvers. Answers with the part's results. */
  async bench(part: string, ...options: string[]): Promise<unknown> {
    const command = ['node', this.script('bench/bench.mjs'), part, ...options];
    await this.#crew.must(this.inside('res', command), { env: this.#env });
    const written: { result: unknown } = JSON.parse(
      readFileSync(this.path('results', `${part}.json`), 'utf8'),
    );
    return written.result;
  }

  /** A command that runs in one of the lab's namespaces. */
  inside(place: Place, command: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', `${this.namespace}-${place}`, ...command];
  }

  /** `danelaw` with the lab's root, in the resolver's namespace. */
  danelaw(...parameters: string[]): readonly string[] {
    const root = [
      '--root-hints',
      this.path('root.hints'),
      '--trust-anchor',
      this.path('anchor.ds'),
    ];
    return this.inside('res', [process.execPath, CLI, ...parameters, ...root]);
  }

  /** How to end a lab that was kept. */
  get downCommand(): string {
    return `LAB_STATE=${this.state} LAB_NS=${this.namespace} ${this.script('lab.sh')} down`;
  }

  /** Ends the servers and removes the namespaces. Synchronous, and once: it is the last thing that happens. */
  down(): void {
    if (!this.#up) return;
    this.#up = false;
    const env = { ...process.env, ...this.#env };
    spawnSync(this.script('net/net.sh'), ['down'], { env, stdio: 'ignore', timeout: 60_000 });
  }

  /** Forgets zones and keys. */
  remove(): void {
    rmSync(this.state, { recursive: true, force: true });
  }
}
