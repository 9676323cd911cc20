// One case of the randomised attack: an internet, an attacker on the path, questions; and what was wrong.
import type { RRType } from '../../src/dns/codes.ts';
import type { Name } from '../../src/dns/name.ts';
import { LIMITS } from '../../src/dnssec/budget.ts';
import { failed, type Insecure, type Outcome, type Secure } from '../../src/dnssec/outcome.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import { attackerOn } from './attacker.ts';
import {
  Dice,
  octetsOf,
  type Place,
  randomScene,
  type Scene,
  type Truth,
} from './random-internet.ts';
import { resolverOn, show } from './support.ts';

export interface Wrong {
  readonly kind:
    | 'threw'
    | 'false-secure'
    | 'false-insecure'
    | 'over-budget'
    | 'not-healed'
    | 'false-after';
  readonly text: string;
}

/** Longer than any failure is remembered. */
const FORGOTTEN_MS = 301_000;
/** Longer than bogus data are remembered. */
const FOUND_OUT_MS = 61_000;

export async function runCase(
  seed: number,
  { after }: { readonly after: boolean },
): Promise<readonly Wrong[]> {
  const scene = randomScene(seed);
  const dice = new Dice(seed ^ 0x5bd1e995);
  const { net } = scene;
  const attacker = attackerOn(net, scene.records, {
    seed: seed + 7919,
    probability: dice.pick([0.03, 0.1, 0.3, 0.6]),
  });
  const { clock, random } = net;
  const options = { environment: { clock, random, transport: attacker.transport } };
  const resolver = resolverOn(
    net,
    dice.chance(0.15) ? { ...options, forward: [net.forwarder] } : options,
  );
  const wrong: Wrong[] = [];
  const asked = Array.from({ length: 6 }, () => dice.pick(scene.questions));
  for (let i = 0; i < asked.length; i += 2) {
    await Promise.all(
      asked.slice(i, i + 2).map((question) => judged(resolver, scene, question, wrong)),
    );
    if (dice.chance(0.5)) clock.advance(dice.pick([1_000, 6_000, 61_000, 400_000]));
  }
  if (!after) return wrong;
  attacker.stop();
  clock.advance(FORGOTTEN_MS);
  for (const [name, type] of [
    ...asked,
    ...asked.slice(0, 3).map(([name]) => [name, 'TXT'] as const),
  ]) {
    const first = await judged(resolver, scene, [name, type], wrong);
    if (!first || !failed(first) || !isSafe(scene, name, type)) continue;
    // A forgery that has lain in wait is found out by the first question that meets it; the next one must not.
    clock.advance(FOUND_OUT_MS);
    const outcome = await judged(resolver, scene, [name, type], wrong);
    if (outcome && failed(outcome))
      wrong.push({
        kind: 'not-healed',
        text: `${name} ${type}: ${show(first)}, ${show(outcome)}\n${net.transcript().split('\n').slice(-20).join('\n')}`,
      });
  }
  return wrong;
}

/** No link of the way is open to forgery, and the chain ends. */
function isSafe(scene: Scene, name: Name, type: RRType): boolean {
  const seen = new Set<string>();
  for (let at = name; ; ) {
    if (seen.has(at.key) || seen.size >= 11) return false;
    seen.add(at.key);
    const { truth, safety } = scene.truthOf(at, type);
    if (safety !== 'secure') return false;
    if (truth.kind !== 'alias') return true;
    at = truth.target;
  }
}

async function judged(
  resolver: Resolver,
  scene: Scene,
  [name, type]: readonly [Name, RRType],
  wrong: Wrong[],
): Promise<Outcome | undefined> {
  const note = (kind: Wrong['kind'], text: string): number =>
    wrong.push({ kind, text: `${name} ${type}: ${text}` });
  const start = scene.net.clock.now();
  let outcome: Outcome;
  try {
    outcome = await resolver.lookup(name, type);
  } catch (error) {
    note('threw', String(error instanceof Error ? error.stack : error));
    return undefined;
  }
  const ms = scene.net.clock.now() - start;
  const { spent } = outcome;
  if (
    spent.queries > LIMITS.queries ||
    spent.signatures > LIMITS.signatures ||
    spent.hashes > LIMITS['nsec3-hashes'] ||
    spent.bytes > LIMITS['bytes-received'] + 65_535 ||
    ms > LIMITS['wall-clock'] + 20
  )
    note('over-budget', `${JSON.stringify(spent)} ${ms}`);
  if (failed(outcome)) return outcome;
  const falsehood = findFalsehood(scene, outcome);
  if (falsehood)
    note(
      outcome.status === 'secure' ? 'false-secure' : 'false-insecure',
      `${show(outcome)}: ${falsehood}`,
    );
  return outcome;
}

/** Goes along the chain of aliases: each secure link must be true, each insecure one must lie where nothing can be proved. */
export function findFalsehood(scene: Scene, outcome: Secure | Insecure): string | undefined {
  const { type } = outcome.question;
  let name = outcome.question.name;
  for (const { owner, target, status } of outcome.aliases) {
    if (!owner.equals(name)) return `link of ${owner} in place of ${name}`;
    const place = scene.truthOf(name, type);
    const error =
      status === 'secure' ? contradicts(place, { kind: 'alias', target }) : isOpen(place);
    if (error) return `${owner} -> ${target} ${status}: ${error}`;
    name = target;
  }
  const last = outcome.trace.findLast((step) => step.kind === 'finding');
  // Who joins another's work has no trace of it.
  const lastStatus = last?.owner.equals(name)
    ? last.status
    : outcome.aliases.length === 0
      ? outcome.status
      : undefined;
  if (!lastStatus) return undefined;
  const place = scene.truthOf(name, type);
  if (outcome.status === 'secure' && outcome.aliases.some(({ status }) => status !== 'secure'))
    return 'secure behind an insecure link';
  if (lastStatus !== 'secure')
    return outcome.status === 'secure' ? 'the last finding is not secure' : isOpen(place);
  const { answer } = outcome;
  if (answer.kind === 'not-asked') return 'not asked';
  const said: Truth =
    answer.kind === 'records'
      ? { kind: 'records', rdata: answer.rrset.rdata.map((rdata) => octetsOf({ rdata })).sort() }
      : { kind: answer.kind };
  return contradicts(place, said);
}

const isOpen = ({ safety, truth }: Place): string | undefined =>
  safety === 'secure' ? `the truth is secure ${truth.kind}` : undefined;

function contradicts({ truth, safety }: Place, said: Truth): string | undefined {
  if (safety === 'insecure') return 'the zone is not secure';
  const text = (one: Truth): string =>
    one.kind === 'records' ? one.rdata.join() : one.kind === 'alias' ? one.target.key : one.kind;
  return text(truth) === text(said) ? undefined : `the truth is ${text(truth)}`;
}
