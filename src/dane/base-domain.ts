/**
 * The TLSA base domain of a host: which names may carry its TLSA records, and which of them does.
 *
 * Implements RFC 7672 section 2.2.2 (what an alias means for the candidates) and section 2.2.3 (the look-up, first
 * candidate with a secure RRset). An outcome carries the status of each alias link, so the extra CNAME question that
 * RFC 7672 section 2.1.3 makes a stub resolver ask is never needed. Does not: judge the records (see tlsa.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import {
  type Failure,
  failed,
  type Insecure,
  type Insecurity,
  insecurityOf,
  type Lookup,
  type Outcome,
  type Secure,
} from '../dnssec/outcome.ts';
import { failureOf, recordsOf } from './destination.ts';

export type Candidates =
  /** In the order in which they are asked: one or two. */
  | { readonly kind: 'candidates'; readonly names: readonly Name[] }
  /** The addresses are insecure, and the name's own zone is too: RFC 7672 section 2.2.2 says not to ask. */
  | ({ readonly kind: 'unsigned' } & Insecurity);

/**
 * Picks the candidate base domains of a host from the outcomes that brought its addresses.
 *
 * Where the families differ the secure one decides. That can only add a TLSA question and with it protection: the
 * rule against asking is there for servers of unsigned zones, and a secure outcome shows that the zone is signed.
 *
 * @throws RangeError when there is no outcome
 */
export function pickCandidates(host: Name, outcomes: readonly (Secure | Insecure)[]): Candidates {
  const secure = outcomes.find((outcome) => outcome.status === 'secure');
  if (secure) {
    const expanded = secure.aliases.at(-1)?.target;
    return { kind: 'candidates', names: expanded ? [expanded, host] : [host] };
  }
  // "Insecure CNAME": the original name remains a candidate where its own link of the chain is secure.
  if (outcomes.some(({ aliases }) => aliases[0]?.status === 'secure')) {
    return { kind: 'candidates', names: [host] };
  }
  const insecure = outcomes.find((outcome) => outcome.status === 'insecure');
  if (!insecure) throw new RangeError('outcomes: a host without addresses has no base domain');
  return { kind: 'unsigned', ...insecurityOf(insecure) };
}

/** `_25._tcp.mx.example.com`; `undefined` where that is too long to be a name, so that nothing can stand there. */
export const tlsaName = (base: Name, port: number): Name | undefined =>
  base.child('_tcp')?.child(`_${port}`);

export type TlsaFinding =
  | { readonly kind: 'records'; readonly baseDomain: Name; readonly rrset: RRset }
  /** Proven absent at every candidate, or there but insecure: RFC 7672 section 2.2.3 treats both alike. */
  | { readonly kind: 'none'; readonly insecure: Insecurity | undefined }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Asks for the TLSA records at each candidate in turn, until one has a secure RRset.
 *
 * A lookup error ends the search: the records that could not be had may be the ones that forbid what the next
 * candidate allows (RFC 7672 section 2.1.2).
 */
export async function findTlsa(
  candidates: readonly Name[],
  ask: (base: Name) => Promise<Outcome | undefined>,
): Promise<TlsaFinding> {
  let insecure: Insecurity | undefined;
  for (const baseDomain of candidates) {
    const tlsa = await ask(baseDomain);
    if (!tlsa) continue;
    if (failed(tlsa)) return { kind: 'failed', failure: failureOf(tlsa) };
    const rrset = recordsOf(tlsa);
    if (!rrset) continue;
    if (tlsa.status === 'secure') return { kind: 'records', baseDomain, rrset };
    insecure ??= insecurityOf(tlsa);
  }
  return { kind: 'none', insecure };
}

/**
 * The TLSA questions of one host. `early` sends one beside the address questions, which saves a round; only into a
 * signed zone, for RFC 7672 section 2.2.2 keeps TLSA questions from servers that fail on them. `now` answers when the
 * addresses have shown that there is a question: an early reply counts for nothing until then.
 */
export function makeAskTlsa(lookup: Lookup, port: number, signal: AbortSignal | undefined) {
  const early = new Map<string, Promise<Outcome>>();
  const stop = signal && { signal };
  return {
    early(base: Name): void {
      const name = tlsaName(base, port);
      if (!name) return;
      const outcome = lookup(name, 'TLSA', { ask: 'if-signed', ...stop });
      outcome.catch(() => {}); // aborted: whoever awaits the addresses hears of it
      early.set(base.key, outcome);
    },
    async now(base: Name): Promise<Outcome | undefined> {
      const name = tlsaName(base, port);
      if (!name) return undefined;
      const sent = await early.get(base.key);
      return sent && wasAsked(sent) ? sent : lookup(name, 'TLSA', stop);
    },
  };
}

const wasAsked = (outcome: Outcome): boolean =>
  outcome.status !== 'insecure' || outcome.answer.kind !== 'not-asked';
