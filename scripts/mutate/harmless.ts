/**
 * Mutants that change nothing that anybody could see, each with the reason. They count neither as killed nor as survived.
 *
 * A row is found by the file, a part of the changed source and a part of what it is changed to, so that it survives
 * changes elsewhere; a row that fits no mutant is reported.
 * @module
 */

export interface Harmless {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export const HARMLESS: readonly Harmless[] = [];
