/**
 * A replay scenario as values: settings, servers with canned answers, steps.
 *
 * Both dialects of the `.rpl` format come to this one shape; what differs in meaning (the current step, the choice
 * among ranges, the clock's beginning) is `dialect`'s to say. Does not: read text (see parse.ts), run anything.
 * @module
 */
import type { Question } from '../../src/dns/message.ts';
import type { RR } from '../../src/dns/rrset.ts';

export type Dialect = 'unbound' | 'deckard';

/** One `key: value` of the configuration, with the section that it stands in (`server` where none was opened). */
export interface Setting {
  readonly line: number;
  readonly section: string;
  /** Counts the sections: two `stub-zone:` have two numbers. */
  readonly block: number;
  readonly key: string;
  readonly value: string;
}

/** One message with how to compare or adapt it. */
export interface Entry {
  readonly line: number;
  /** `qname`, `all`, `ede=3` ... in the order of the file. */
  readonly match: readonly string[];
  readonly adjust: readonly string[];
  /** Words of REPLY: opcode, RCODE and flags. */
  readonly reply: readonly string[];
  readonly question: Question | undefined;
  readonly answer: readonly RR[];
  readonly authority: readonly RR[];
  readonly additional: readonly RR[];
  /** Octets in place of the message. */
  readonly raw: Uint8Array | undefined;
  /** The options of OPT, as octets. */
  readonly options: Uint8Array | undefined;
}

/** What one server says while the current step lies in a range. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** Empty: every server. */
  readonly addresses: readonly string[];
  readonly entries: readonly Entry[];
}

interface Common {
  readonly number: number;
  readonly line: number;
}
export type Step = Common &
  (
    | { readonly kind: 'query'; readonly entry: Entry }
    | { readonly kind: 'check-answer'; readonly entry: Entry }
    | {
        readonly kind: 'check-out-query';
        readonly entry: Entry;
        readonly address: string | undefined;
      }
    | { readonly kind: 'reply'; readonly entry: Entry }
    | { readonly kind: 'timeout' }
    | { readonly kind: 'error' }
    | { readonly kind: 'time-passes'; readonly seconds: string }
    | { readonly kind: 'traffic' }
    | { readonly kind: 'nothing' }
    | { readonly kind: 'assign'; readonly name: string; readonly expression: string }
    | { readonly kind: 'check-file'; readonly id: string; readonly lines: readonly string[] }
    /** A step that reaches into the cache of the resolver that the scenario was written for. */
    | { readonly kind: 'internal'; readonly word: string }
  );

export interface Scenario {
  readonly dialect: Dialect;
  readonly title: string;
  readonly settings: readonly Setting[];
  /** AUTOTRUST_FILE and TEMPFILE_CONTENTS, by id. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly ranges: readonly Range[];
  readonly steps: readonly Step[];
}
