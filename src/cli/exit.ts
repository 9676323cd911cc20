/**
 * What a command tells the shell.
 * @module
 */
export const EXIT = {
  fine: 0,
  /** A verdict that stops mail: bogus or indeterminate, defer or refuse, a row of the demo that is not as demanded. */
  negative: 1,
  /** The command line or a file it names is wrong. */
  misuse: 2,
  /** A mistake in Danelaw itself. */
  internal: 3,
} as const;
