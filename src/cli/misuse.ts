/**
 * What the user got wrong, in one line that says what to do. run.ts prints it and exits with 2.
 * @module
 */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}
