/**
 * Cases of x509-limbo, as `limbo-schema.json` has them: a chain, roots, a time, a name, and whether that is to hold.
 *
 * Runs tls/pkix.ts and tls/identity.ts, on which the usages PKIX-TA and PKIX-EE rest. Does not: know clients' certificates,
 * or restrict signature algorithms. A case that asks for what is not there is not run, and differs.
 * @module
 */
import { parseIPv4, parseIPv6 } from '../../src/dns/address.ts';
import { type Certificate, parseCertificate } from '../../src/tls/certificate.ts';
import { sameOctets } from '../../src/tls/der.ts';
import { KEY_USAGE } from '../../src/tls/extensions.ts';
import { matchHost } from '../../src/tls/identity.ts';
import { Comparisons } from '../../src/tls/name-constraints.ts';
import { verifyByRoots } from '../../src/tls/pkix.ts';
import type { Collection } from './dane.ts';
import { pemToDer } from './pem.ts';
import type { Judged } from './suite.ts';

interface PeerName {
  /** `DNS`, `IP`, or something else. */
  readonly kind: string;
  readonly value: string;
}

interface Case {
  readonly id: string;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly peer_certificate: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly validation_time?: string | null;
  readonly signature_algorithms?: readonly string[] | null;
  readonly key_usage?: readonly string[] | null;
  readonly extended_key_usage?: readonly string[] | null;
  readonly max_chain_depth?: number | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name?: PeerName | null;
}

export function readLimbo(document: object): Collection {
  const { testcases } = document as { testcases: readonly Case[] }; // as the schema says
  return new Map(testcases.map((one) => [one.id, () => judge(one)]));
}

function judge(it: Case): Judged {
  const lacking = whatIsLacking(it);
  const why = lacking ?? whyNot(it);
  const refusal = lacking === undefined ? whyRefused(it) : undefined;
  const verdict = refusal === undefined ? 'SUCCESS' : 'FAILURE';
  const got = lacking === undefined ? verdict : 'nothing';
  const agrees = got === it.expected_result;
  const detail = refusal && !agrees ? `${got} (${refusal})` : got;
  return { expected: it.expected_result, got: agrees ? got : detail, detail: refusal, why };
}

/** What a case asks for that there is nothing for. */
function whatIsLacking(it: Case): string | undefined {
  if (it.validation_kind !== 'SERVER') return 'certificates of clients are not verified';
  if (!COMPARED.has(it.expected_peer_name?.kind ?? 'DNS'))
    return 'only host names and addresses are compared';
  if (it.signature_algorithms?.length) return 'signature algorithms cannot be restricted';
  const usages = it.extended_key_usage ?? [];
  if (usages.some((usage) => usage !== 'serverAuth')) return 'the purpose is always TLS servers';
  if ((it.key_usage ?? []).some((usage) => !(usage in BITS)))
    return 'this key usage is not asked for';
  return undefined;
}

const COMPARED: ReadonlySet<string> = new Set(['DNS', 'IP']);

/** Names of RFC 5280 section 4.2.1.3, as far as they concern a TLS server. */
const BITS: Readonly<Record<string, number>> = {
  digitalSignature: KEY_USAGE.digitalSignature,
  keyEncipherment: KEY_USAGE.keyEncipherment,
  keyAgreement: KEY_USAGE.keyAgreement,
};

/** `undefined` when all is well. */
function whyRefused(it: Case): string | undefined {
  const [leaf] = certificates([it.peer_certificate]);
  if (!leaf) return 'the certificate cannot be read';
  const { keyUsage } = leaf.extensions;
  const wanted = (it.key_usage ?? []).reduce((sum, usage) => sum | (BITS[usage] ?? 0), 0);
  if (keyUsage !== undefined && (keyUsage & wanted) !== wanted)
    return 'the key is not for that use';
  const verdict = verifyByRoots(
    {
      leaf,
      others: certificates(it.untrusted_intermediates),
      roots: certificates(it.trusted_certs),
    },
    {
      now: it.validation_time ? Date.parse(it.validation_time) : Date.now(),
      minimumRsaBits: 1024,
      sha1: 'refuse',
      comparisons: new Comparisons(),
      // A number that is not there is no limit, but zero is one.
      ...(typeof it.max_chain_depth === 'number' && { maximumIntermediates: it.max_chain_depth }),
    },
  );
  if (verdict.kind === 'trusted') return whyNotNamed(leaf, it.expected_peer_name);
  const { problem } = verdict;
  return problem ? `${problem.text}, at depth ${problem.depth}` : 'no path to a trusted root';
}

function whyNotNamed(leaf: Certificate, name: PeerName | null | undefined): string | undefined {
  if (!name) return undefined;
  if (name.kind === 'DNS')
    return matchHost(leaf, [name.value]) === undefined ? `not named ${name.value}` : undefined;
  const address = parseIPv4(name.value) ?? parseIPv6(name.value);
  const holds = (leaf.extensions.subjectAltName ?? []).some(
    (one) => one.form === 'ip' && address && sameOctets(one.octets, address),
  );
  return holds ? undefined : `not named ${name.value}`;
}

/** What cannot be read vouches for nothing. */
const certificates = (pems: readonly string[]): readonly Certificate[] =>
  pems.flatMap(pemToDer).flatMap((der) => {
    const parsed = parseCertificate(der);
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });

/** Rules for those who issue certificates, and the web's: nothing that a mail server's identity rests on. */
const NOT_OURS: readonly (readonly [RegExp, string])[] = [
  [/::(aki|ski)::/, 'key identifiers help to find a path, and nothing rests on them'],
  [/::nc::permitted-dn-match/, 'it names no host'],
  [/::nc::not-allowed-in-ee/, 'name constraints constrain what lies below, here nothing'],
  [/::nc::.*both-(null|empty)/, 'name constraints without a subtree constrain nothing'],
  [/::serial::too-long/, 'long serial numbers are in use and hurt nobody'],
  [/leaf-ku-keycertsign|ee-basicconstraints-ca/, 'what else the key may do is no harm here'],
  [
    /::eku::/,
    'any purpose may stand beside this one, and a root may have one (RFC 5280 section 4.2.1.12)',
  ],
  [/::san::no-san/, 'without a DNS name the CN counts (RFC 7672 section 3.2.3)'],
  [/::forbidden-/, 'which algorithms a leaf may have is between it and the TLS handshake'],
];

const whyNot = ({ id }: Case): string | undefined =>
  NOT_OURS.find(([pattern]) => pattern.test(id))?.[1];
