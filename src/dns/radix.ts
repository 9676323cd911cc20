/**
 * Octets as text in base 16, base32hex and base 64 (RFC 4648 sections 4, 7 and 8).
 *
 * Reading is strict: an alphabet's own characters and nothing else, no bits that encode nothing.
 * Does not: white space (zone files allow it; tokens are joined before they come here).
 * @module
 */

interface Radix {
  readonly print: (octets: Uint8Array) => string;
  /** `undefined` when the text is not in this radix. */
  readonly parse: (text: string) => Uint8Array | undefined;
}

/** @param alphabet  2 to the power of `bits` characters, the one that is printed first where letter case is free */
function radix(
  alphabet: string,
  bits: 4 | 5 | 6,
  style: { anyCase: boolean; padding: boolean },
): Radix {
  const values = new Map([...alphabet].map((char, value) => [char, value]));
  if (style.anyCase) for (const [char, value] of [...values]) values.set(char.toUpperCase(), value);
  const group = bits === 6 ? 4 : bits === 5 ? 8 : 2;
  return {
    print: (octets) => {
      let text = '';
      let held = 0;
      let count = 0;
      for (const octet of octets) {
        held = (held << 8) | octet;
        count += 8;
        for (; count >= bits; count -= bits)
          text += alphabet[(held >> (count - bits)) & (2 ** bits - 1)];
        held &= 2 ** count - 1;
      }
      if (count > 0) text += alphabet[(held << (bits - count)) & (2 ** bits - 1)];
      return style.padding ? text.padEnd(Math.ceil(text.length / group) * group, '=') : text;
    },
    parse: (text) => {
      if (style.padding && text.length % group !== 0) return undefined;
      const digits = style.padding ? text.replace(/={1,2}$/, '') : text;
      const octets = new Uint8Array((digits.length * bits) >> 3);
      let held = 0;
      let count = 0;
      let at = 0;
      for (const char of digits) {
        const value = values.get(char);
        if (value === undefined) return undefined;
        held = (held << bits) | value;
        count += bits;
        if (count < 8) continue;
        count -= 8;
        octets[at++] = held >> count;
        held &= 2 ** count - 1;
      }
      return held === 0 && count < bits ? octets : undefined;
    },
  };
}

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

export const hex: Radix = radix(`${DIGITS}abcdef`, 4, { anyCase: true, padding: false });
/** Without padding, as RFC 5155 section 3.3 has it. */
export const base32hex: Radix = radix(DIGITS + LETTERS.slice(0, 22), 5, {
  anyCase: true,
  padding: false,
});
export const base64: Radix = radix(`${LETTERS.toUpperCase()}${LETTERS}${DIGITS}+/`, 6, {
  anyCase: false,
  padding: true,
});
