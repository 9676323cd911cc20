/**
 * The command line of `danelaw check`.
 * @module
 */
import type { HalfDane } from '../dane/plan.ts';
import type { Wish } from '../mta/demand.ts';
import type { ProtocolName } from '../tls/protocols.ts';
import { parseHalfDane, parsePort, parseProtocol } from './arguments.ts';
import { Misuse } from './misuse.ts';
import {
  given,
  HELP,
  misuse,
  parse,
  refuse,
  SHARED,
  type SharedOptions,
  shared,
} from './options.ts';

const CHECK = {
  ...SHARED,
  protocol: { type: 'string' },
  port: { type: 'string' },
  'no-probe': { type: 'boolean' },
  'no-mta-sts': { type: 'boolean' },
  'half-dane': { type: 'string' },
  mandatory: { type: 'boolean' },
  policy: { type: 'string' },
  binding: { type: 'string' },
  'binding-group': { type: 'string' },
  message: { type: 'string' },
} as const;

/** The operator's wishes: in a file, or in two options. */
export type TermsChoice =
  | {
      readonly from: 'file';
      readonly file: string;
      readonly binding?: string;
      readonly bindingGroup?: string;
    }
  | { readonly from: 'options'; readonly halfDane: HalfDane; readonly mandatory: boolean };

export interface CheckWords extends SharedOptions {
  readonly domain: string;
  /** Left out where no option names it. */
  readonly port: number | undefined;
  readonly probe: 'live' | 'none';
  readonly mtaSts: 'on' | 'off';
  readonly terms: TermsChoice;
  readonly wish: Wish;
  /** In place of mail between servers. */
  readonly protocol: ProtocolName | undefined;
}

/** @param now  by which anchors that have a time are judged (RFC 9718) */
export function parseCheck(args: readonly string[], now: number): CheckWords | typeof HELP {
  const { values, positionals } = parse('check', args, CHECK);
  if (values.help) return HELP;
  const [domain, ...surplus] = positionals;
  if (domain === undefined) throw misuse('check', 'check needs a domain');
  refuse('check', surplus);
  const protocol = given(values, 'protocol', parseProtocol);
  if (protocol) refuseFor(values, OF_MAIL, 'are for mail between servers, not for --protocol');
  return {
    domain,
    protocol,
    port: given(values, 'port', parsePort),
    probe: values['no-probe'] ? 'none' : 'live',
    mtaSts: values['no-mta-sts'] ? 'off' : 'on',
    terms: termsChoice(values),
    wish: given(values, 'message', parseWish) ?? 'as-usual',
    ...shared(values, now),
  };
}

type Values = ReturnType<typeof parse<typeof CHECK>>['values'];
type OptionName = keyof typeof CHECK;

const OF_MAIL: readonly OptionName[] = [
  'half-dane',
  'mandatory',
  'no-mta-sts',
  'policy',
  'binding',
  'binding-group',
  'message',
];

function refuseFor(values: Values, names: readonly OptionName[], why: string): void {
  if (names.every((name) => values[name] === undefined)) return;
  const list = names.map((name) => `--${name}`);
  throw new Misuse(`${list.slice(0, -1).join(', ')} and ${list.at(-1)} ${why}`);
}

function termsChoice(values: Values): TermsChoice {
  const { policy: file, binding, 'binding-group': bindingGroup } = values;
  if (file === undefined) {
    refuseFor(values, ['binding', 'binding-group'], 'need --policy FILE');
    const halfDane = given(values, 'half-dane', parseHalfDane) ?? 'dane';
    return { from: 'options', halfDane, mandatory: values.mandatory ?? false };
  }
  refuseFor(values, ['half-dane', 'mandatory'], 'are said in the file of --policy');
  return {
    from: 'file',
    file,
    ...(binding !== undefined && { binding }),
    ...(bindingGroup !== undefined && { bindingGroup }),
  };
}

const WISHES = new Map<string, Wish>([
  ['requiretls', 'required'],
  ['tls-required-no', 'optional'],
]);

function parseWish(text: string): Wish {
  const wish = WISHES.get(text);
  if (!wish) throw new Misuse(`"${text}" is not known: use ${[...WISHES.keys()].join(' or ')}`);
  return wish;
}
