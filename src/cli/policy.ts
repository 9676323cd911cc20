/**
 * `danelaw policy check FILE`: what is wrong with a policy file, or the terms that it comes to.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { allScopes, findUseDane, type Policy, scopesFor, termsFor } from '../mta/policy.ts';
import { type PolicyFile, printProblem, readPolicyFile } from '../mta/policy-file.ts';
import type { Position } from '../mta/toml.ts';
import { parseDomain } from './arguments.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import { given, HELP, misuse, parse, refuse, SHARED } from './options.ts';
import { type TermView, viewTerms } from './policy-terms-view.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

const CHECK = {
  help: SHARED.help,
  json: SHARED.json,
  for: { type: 'string' },
  binding: { type: 'string' },
  'binding-group': { type: 'string' },
} as const;

export interface PolicyCheckWords {
  readonly file: string;
  readonly form: 'json' | 'text';
  readonly delivery?: {
    readonly domain: Name;
    readonly binding?: string;
    readonly bindingGroup?: string;
  };
}

export function parsePolicyCheck(args: readonly string[]): PolicyCheckWords | typeof HELP {
  const { values, positionals } = parse('policy check', args, CHECK);
  if (values.help) return HELP;
  const [file, ...surplus] = positionals;
  if (file === undefined) throw misuse('policy check', 'policy check needs a file');
  refuse('policy check', surplus);
  const { binding, 'binding-group': bindingGroup } = values;
  const domain = given(values, 'for', (text) => parseDomain(text).name);
  if (!domain && (binding ?? bindingGroup) !== undefined)
    throw misuse('policy check', '--binding and --binding-group need a domain: give --for DOMAIN');
  return {
    file,
    form: values.json ? 'json' : 'text',
    ...(domain && {
      delivery: {
        domain,
        ...(binding !== undefined && { binding }),
        ...(bindingGroup !== undefined && { bindingGroup }),
      },
    }),
  };
}

export async function policyCheck(
  { file, form, delivery }: PolicyCheckWords,
  terminal: Terminal,
  { environment }: World,
): Promise<number> {
  const read = readPolicyFile(file);
  if (read.kind === 'unreadable') throw new Misuse(`${file} ${read.why}`);
  const view = viewOf(read, environment.clock.now(), delivery);
  if (form === 'json') terminal.print(JSON.stringify({ file, ...view }, undefined, 2));
  else terminal.print(...printView(file, read, view));
  return read.kind === 'policy' ? EXIT.fine : EXIT.misuse;
}

interface PolicyView {
  readonly problems: readonly (Position & { readonly what: string; readonly suggestion: string })[];
  /** Where DANE is looked up. */
  readonly dane?: 'for all domains' | 'for some domains' | 'nowhere';
  /** Exceptions that have expired: nothing else tells that they may go. */
  readonly expired?: readonly (Position & { readonly domain: string })[];
  readonly terms?: readonly TermView[];
}

function viewOf(
  read: Exclude<PolicyFile, { kind: 'unreadable' }>,
  now: number,
  delivery: PolicyCheckWords['delivery'],
): PolicyView {
  if (read.kind === 'refused')
    return { problems: read.problems.map(({ at, ...told }) => ({ ...at, ...told })) };
  const { policy } = read;
  return {
    problems: [],
    dane: whereDane(policy),
    expired: expiredIn(policy, now),
    ...(delivery && {
      terms: viewTerms(termsFor(policy, { ...delivery, now }), scopesFor(policy, delivery)),
    }),
  };
}

function whereDane(policy: Policy): NonNullable<PolicyView['dane']> {
  if (policy.global.terms.useDane) return 'for all domains';
  return findUseDane(policy) ? 'for some domains' : 'nowhere';
}

function expiredIn(policy: Policy, now: number): NonNullable<PolicyView['expired']> {
  return allScopes(policy).flatMap(({ name, terms: { exception }, written }) => {
    const at = written.get('exception');
    return exception && at && exception.expires <= now ? [{ ...at, domain: name }] : [];
  });
}

function printView(file: string, read: PolicyFile, view: PolicyView): string[] {
  if (read.kind === 'refused') return read.problems.map((problem) => printProblem(file, problem));
  const { expired = [], terms = [], dane } = view;
  return [
    `${file}: fine; DANE is looked up ${dane}`,
    ...expired.map(
      ({ line, column, domain }) =>
        `${file}:${line}:${column}: the exception for ${domain} has expired and does not count`,
    ),
    ...terms.map(({ option, value, from }) => {
      const where = from ? `${file}:${from.line}:${from.column} (${from.section})` : 'default';
      return `${option} = ${value}  # ${where}`;
    }),
  ];
}
