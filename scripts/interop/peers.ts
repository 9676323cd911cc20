/**
 * Mail destinations of our own on the lab: zones signed with the lab's keys, for domains that its top-level zones
 * delegate already, with certificates and TLSA records that match or miss by one bit.
 *
 * Does not: serve them (Knot serves the zones; postfix.ts, exim.ts and openssl.ts the hosts).
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Domain, Lab } from './lab.ts';

export type Server = 'postfix' | 'exim' | 'openssl';
export type Action =
  | 'deliver-authenticated'
  | 'deliver-half-dane'
  | 'deliver-encrypted'
  | 'deliver-opportunistically'
  | 'defer'
  | 'refuse';

/** A mail server that takes mail for several peers. */
export interface MailServer {
  /** `Postfix 3.7.11`, as its log says. */
  readonly version: string;
  /** How the peer got a message, if it did, by its log. */
  took(peer: Peer): 'tls' | 'clear' | undefined;
}

interface Scenario {
  readonly server: Server;
  /** One word, which the logs carry. */
  readonly id: string;
  readonly claim: string;
  readonly expect: Action;
  /** Usage, selector and matching type of the TLSA record; none where it is left out. */
  readonly tlsa?: readonly [usage: 1 | 2 | 3, selector: 0 | 1, matching: 1 | 2];
  /** `flipped`: one bit of the record's data is not what it should be. */
  readonly record?: 'flipped';
  readonly certificate?: 'expired';
  /** The server shows a new key. In the DNS stand the records of both, or that of the old one alone. */
  readonly rolled?: 'both published' | 'old published';
  /** The name in the certificate: the MX host's where it is left out. */
  readonly named?: 'next hop' | 'nobody';
  readonly starttls?: 'not offered';
}

/** Rows of dane-decisions.md: 26, 27, 31, 29, 16, 18 and 21. */
const AT_MAIL_SERVERS: readonly Omit<Scenario, 'server'>[] = [
  {
    id: 'ee',
    claim: '3 1 1 of its key',
    tlsa: [3, 1, 1],
    expect: 'deliver-authenticated',
  },
  {
    id: 'eebit',
    claim: '3 1 1 with one bit changed',
    tlsa: [3, 1, 1],
    record: 'flipped',
    expect: 'defer',
  },
  {
    id: 'eeold',
    claim: '3 1 1, the certificate expired and made out to another name',
    tlsa: [3, 1, 1],
    certificate: 'expired',
    named: 'nobody',
    expect: 'deliver-authenticated',
  },
  {
    id: 'ta',
    claim: '2 0 1 of its private authority',
    tlsa: [2, 0, 1],
    expect: 'deliver-authenticated',
  },
  {
    id: 'tabit',
    claim: '2 0 1 with one bit changed',
    tlsa: [2, 0, 1],
    record: 'flipped',
    expect: 'defer',
  },
  {
    id: 'tahop',
    claim: '2 1 1, the certificate names the next hop only',
    tlsa: [2, 1, 1],
    named: 'next hop',
    expect: 'deliver-authenticated',
  },
  {
    id: 'taold',
    claim: '2 1 1, the certificate expired',
    tlsa: [2, 1, 1],
    certificate: 'expired',
    expect: 'defer',
  },
  {
    id: 'none',
    claim: 'no TLSA record',
    expect: 'deliver-opportunistically',
  },
  {
    id: 'pkix',
    claim: '1 1 1, which no mail server can use',
    tlsa: [1, 1, 1],
    expect: 'deliver-encrypted',
  },
  {
    id: 'plain',
    claim: '3 1 1, but no STARTTLS',
    tlsa: [3, 1, 1],
    starttls: 'not offered',
    expect: 'defer',
  },
  {
    id: 'rolled',
    claim: '3 1 1 of the old and of the new key, the certificate is new',
    tlsa: [3, 1, 1],
    rolled: 'both published',
    expect: 'deliver-authenticated',
  },
  {
    id: 'early',
    claim: '3 1 1 of the old key, the certificate is new',
    tlsa: [3, 1, 1],
    rolled: 'old published',
    expect: 'defer',
  },
];

const AT_OPENSSL: readonly Scenario[] = [
  {
    server: 'openssl',
    id: 'sslee',
    claim: '3 1 1 of its key',
    tlsa: [3, 1, 1],
    expect: 'deliver-authenticated',
  },
  {
    server: 'openssl',
    id: 'ssleebit',
    claim: '3 1 1 with one bit changed',
    tlsa: [3, 1, 1],
    record: 'flipped',
    expect: 'defer',
  },
  {
    server: 'openssl',
    id: 'sslta',
    claim: '2 1 2 of its private authority',
    tlsa: [2, 1, 2],
    expect: 'deliver-authenticated',
  },
  {
    server: 'openssl',
    id: 'ssltabit',
    claim: '2 1 2 with one bit changed',
    tlsa: [2, 1, 2],
    record: 'flipped',
    expect: 'defer',
  },
];

const SCENARIOS: readonly Scenario[] = [
  ...AT_MAIL_SERVERS.map((scenario) => ({ ...scenario, server: 'postfix' }) as const),
  ...AT_MAIL_SERVERS.map(
    (scenario) => ({ ...scenario, id: `x${scenario.id}`, server: 'exim' }) as const,
  ),
  ...AT_OPENSSL,
];

/** A scenario with everything that it takes to serve it. */
export interface Peer extends Scenario {
  readonly domain: string;
  readonly host: string;
  readonly address: string;
  /** PEM files. */
  readonly key: string;
  /** The leaf and its issuers. */
  readonly chain: string;
  readonly issuers: string;
}

/** Where the hosts listen: the lab's own mail hosts are at 198.18.64.0 and up, its domains in 198.19.0.0/16. */
const address = (i: number): string => `198.18.80.${i + 1}`;

interface Made {
  readonly key: string;
  readonly cert: string;
  readonly der: Buffer;
  readonly spki: Buffer;
}

/** What gen/mail.mjs exports, as far as it is used. */
interface MailModule {
  certStore(out: string): {
    readonly root: Made;
    readonly inter: Made;
    make(id: string, options: { names: string[]; issuer?: Made; expired: boolean }): Made;
    bundle(name: string, certificates: readonly Made[]): string;
  };
}

interface LabZone {
  add(name: string, type: number, ttl: number, ...rdata: unknown[]): LabZone;
}

/** What gen/dnssec.mjs exports, as far as it is used. */
interface SignerModule {
  readonly T: Readonly<Record<'A' | 'NS' | 'SOA' | 'MX' | 'TLSA', number>>;
  readonly rd: {
    a(ip: string): unknown;
    name(name: string): unknown;
    mx(preference: number, name: string): unknown;
    soa(mname: string, rname: string, serial: number, minimum: number): unknown;
    tlsa(usage: number, selector: number, matching: number, data: Buffer): unknown;
  };
  readonly Zone: new (origin: string) => LabZone;
  materialFromPem(algorithm: number, pem: string): unknown;
  keyFromMaterial(material: unknown, flags: number): unknown;
  signZone(zone: LabZone, options: Readonly<Record<string, unknown>>): string[];
}

/** What gen/gen.mjs exports, as far as it is used. */
interface GeneratorModule {
  readonly addr: { self(domain: number, server: number): string };
}

interface Tools {
  readonly signer: SignerModule;
  readonly generator: GeneratorModule;
  readonly store: ReturnType<MailModule['certStore']>;
  readonly keys: Readonly<Record<string, { readonly alg: number; readonly pem: string }>>;
}

/** Writes the zones over those that the lab made for these domains. The name servers read them when they start. */
export async function makePeers(lab: Lab): Promise<readonly Peer[]> {
  const tools = await openTools(lab);
  const domains = spare(lab);
  return SCENARIOS.map((scenario, i) => {
    const domain = domains[i];
    if (!domain) throw new Error(`the lab has too few domains for ${SCENARIOS.length} peers`);
    return makePeer(lab, tools, { ...scenario, domain, address: address(i) });
  });
}

async function openTools(lab: Lab): Promise<Tools> {
  // Modules of the lab, in JavaScript.
  const load = async <T>(name: string): Promise<T> =>
    (await import(pathToFileURL(lab.script(`gen/${name}`)).href)) as T;
  const { certStore } = await load<MailModule>('mail.mjs');
  return {
    signer: await load<SignerModule>('dnssec.mjs'),
    generator: await load<GeneratorModule>('gen.mjs'),
    store: certStore(lab.state),
    keys: JSON.parse(readFileSync(lab.path('keys.json'), 'utf8')),
  };
}

/** Signed domains with their own name servers whose mail the lab gives to a provider: nothing else asks for them. */
const spare = (lab: Lab): readonly Domain[] =>
  lab.file.doms.filter(({ ds, self, own }) => ds && self && !own);

type Draft = Omit<Scenario, 'domain'> & { readonly domain: Domain; readonly address: string };

function makePeer(lab: Lab, tools: Tools, { domain, ...draft }: Draft): Peer {
  const host = `mail.${domain.name}`;
  const { store } = tools;
  const names = { 'next hop': domain.name, nobody: 'another.example' };
  const make = (id: string) =>
    store.make(`interop-${id}`, {
      names: [draft.named ? names[draft.named] : host],
      issuer: store.inter,
      expired: draft.certificate === 'expired',
    });
  const published = make(draft.id);
  const leaf = draft.rolled ? make(`${draft.id}-new`) : published;
  const chain = store.bundle(`interop-${draft.id}.chain`, [leaf, store.inter, store.root]);
  const issuers = store.bundle('interop.issuers', [store.inter, store.root]);
  const named = draft.tlsa?.[0] === 2 ? [store.root] : [published];
  if (draft.rolled === 'both published') named.push(leaf);
  const data = draft.tlsa ? named.map((of) => association(draft, of)) : [];
  writeZone(lab, tools, { domain, host, address: draft.address, tlsa: draft.tlsa, data });
  const file = (name: string) => lab.path('mta', 'certs', name);
  const files = { chain: file(chain), issuers: file(issuers) };
  return { ...draft, domain: domain.name, host, key: file(leaf.key), ...files };
}

/** The certificate association data of RFC 6698 section 2.1.4, with a bit changed where the scenario wants it. */
function association({ tlsa, record }: Pick<Scenario, 'tlsa' | 'record'>, of: Made): Buffer {
  const [, selector, matching] = tlsa ?? [];
  const data = createHash(matching === 2 ? 'sha512' : 'sha256')
    .update(selector === 1 ? of.spki : of.der)
    .digest();
  const last = data.length - 1;
  if (record === 'flipped') data.writeUInt8(data.readUInt8(last) ^ 1, last);
  return data;
}

interface Content {
  readonly domain: Domain;
  readonly host: string;
  readonly address: string;
  readonly tlsa: Scenario['tlsa'];
  /** Of one TLSA record each. */
  readonly data: readonly Buffer[];
}

function writeZone(lab: Lab, { signer, generator, keys }: Tools, content: Content): void {
  const { T, rd, Zone, signZone } = signer;
  const { name, i, alg } = content.domain;
  const servers = [`ns1.${name}`, `ns2.${name}`];
  const zone = new Zone(name)
    .add(name, T.SOA, 3600, rd.soa(`ns1.${name}`, `hostmaster.${name}`, 1, 600))
    .add(name, T.NS, 3600, ...servers.map((server) => rd.name(server)))
    .add(name, T.MX, 3600, rd.mx(10, content.host))
    .add(content.host, T.A, 3600, rd.a(content.address));
  servers.forEach((server, k) => {
    zone.add(server, T.A, 3600, rd.a(generator.addr.self(i, k)));
  });
  for (const data of content.data)
    if (content.tlsa)
      zone.add(`_25._tcp.${content.host}`, T.TLSA, 3600, rd.tlsa(...content.tlsa, data));
  // The lab's DS at the parent names this key: slot `i` modulo 8 of its algorithm.
  const key = keys[`s${alg}.${i % 8}`];
  if (!key) throw new Error(`the lab has no key for ${name}`);
  const ksk = signer.keyFromMaterial(signer.materialFromPem(key.alg, key.pem), 257);
  const { inc, exp } = lab.file;
  const lines = signZone(zone, { ksk: [ksk], zsk: [], denial: i % 2 ? 'nsec' : 'nsec3', inc, exp });
  writeFileSync(lab.path('zones', 'sld', `${name}.zone`), `${lines.join('\n')}\n`);
}
