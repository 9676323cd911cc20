/**
 * What the user got wrong, in one line that says what to do, behind the lines that it comes to where there are several.
 * run.ts prints them and exits with 2.
 * @module
 */
export class Misuse extends Error {
  override readonly name = 'Misuse';
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[] = []) {
    super(message);
    this.lines = lines;
  }
}
