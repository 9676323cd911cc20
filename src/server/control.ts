/**
 * What an operator may ask a running daemon, over its control socket: one line of words in JSON, one answer in text.
 *
 * Does not: own the socket (listen-control.ts), carry commands out.
 * @module
 */

export interface ControlAnswer {
  readonly kind: 'done' | 'refused';
  /** Lines without the last line's end. */
  readonly text: string;
}

/** Carries out the words of a command. Rejects for mistakes of Danelaw only. */
export type Control = (words: readonly string[]) => Promise<ControlAnswer>;

/** Octets of a request: a name, a type and a reason are far below. */
export const MAX_REQUEST = 4096;

/** @returns `undefined` for a line that is no request */
export function parseRequest(line: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    if (!Array.isArray(parsed)) return undefined;
    return parsed.every((word) => typeof word === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export const writeRequest = (words: readonly string[]): string => `${JSON.stringify(words)}\n`;

const HEADS = { done: 'ok\n', refused: 'refused\n' } as const;

export const writeAnswer = ({ kind, text }: ControlAnswer): string => `${HEADS[kind]}${text}\n`;

/** @returns `undefined` where it was cut off */
export function parseAnswer(written: string): ControlAnswer | undefined {
  for (const kind of ['done', 'refused'] as const)
    if (written.startsWith(HEADS[kind]) && written.endsWith('\n'))
      return { kind, text: written.slice(HEADS[kind].length, -1) };
  return undefined;
}
