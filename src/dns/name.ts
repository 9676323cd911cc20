/**
 * Domain names: immutable, compared by `key`, with their wire octets as the truth and text as a view.
 *
 * Implements RFC 1035 section 3.1 (63 and 255 octets), section 5.1 (escapes), RFC 4343 (ASCII case folding and
 * nothing else), RFC 2181 section 11 (any octet may stand in a label) and RFC 4034 section 6.1 (canonical order).
 * Does not: IDNA (names arrive here as A-labels), compression (see cursor.ts).
 * @module
 */
import { latin1, latin1By } from './octets.ts';

const MAX_NAME = 255;
const MAX_LABEL = 63;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
/** Characters that zone files give a meaning of their own: `"$().;@\` (RFC 1035 section 5.1). */
const SPECIAL = new Set([...'"$().;@\\'].map((c) => c.charCodeAt(0)));

/** RFC 4343 section 3: only the 26 ASCII letters fold. */
const FOLD = Uint8Array.from({ length: 256 }, (_, i) => (i >= 0x41 && i <= 0x5a ? i + 32 : i));

/** What `Name.parse` throws: the text is no domain name, and why. A caller's mistake. */
export class NameError extends TypeError {
  override readonly name = 'NameError';
}

/**
 * An absolute domain name.
 *
 * Invariant: `wire` is a valid uncompressed name of 1 to 255 octets, and nobody changes it.
 */
export class Name {
  /** Uncompressed wire octets with the final zero octet, letter case as received. */
  readonly wire: Uint8Array;
  /** Case-folded wire octets as a latin1 string: equal exactly for equal names, ready as a map key. */
  readonly key: string;
  /** Number of labels, the root not counted; a `*` label counts. */
  readonly labels: number;

  private constructor(wire: Uint8Array, key: string, labels: number) {
    this.wire = wire;
    this.key = key;
    this.labels = labels;
  }

  /**
   * The name of these wire octets, which must be exactly one valid uncompressed name; the array is kept, not copied.
   * @throws {@link NameError} otherwise
   */
  static fromWire(wire: Uint8Array): Name {
    let labels = 0;
    let at = 0;
    for (;;) {
      const length = wire[at];
      if (length === undefined || length > MAX_LABEL)
        throw new NameError('not a wire-format domain name');
      at += 1 + length;
      if (length === 0) break;
      labels += 1;
    }
    if (at !== wire.length || at > MAX_NAME) throw new NameError('not a wire-format domain name');
    return new Name(wire, keyOf(wire), labels);
  }

  /** For the reader, which has checked the octets already: `labels` must be right and `wire` valid. */
  static trusted(wire: Uint8Array, labels: number): Name {
    return new Name(wire, keyOf(wire), labels);
  }

  /**
   * Reads presentation form: `mail.example.com`, `mail.example.com.`, `a\.b.example`, `\000x.example`, `.`.
   * A name without final dot is absolute all the same, unless `origin` is given: then it is relative to that.
   *
   * @throws {@link NameError} on an empty label, a bad escape, a label over 63 or a name over 255 octets
   */
  static parse(text: string, origin?: Name): Name {
    if (text === '.') return ROOT;
    if (text === '@' && origin) return origin;
    if (text === '') throw new NameError('a domain name must not be empty');
    const { octets, labels, absolute } = readText(text);
    const tail = absolute || !origin ? ROOT : origin;
    const wire = new Uint8Array(octets.length + tail.wire.length);
    wire.set(octets);
    wire.set(tail.wire, octets.length);
    if (wire.length > MAX_NAME) throw new NameError(`"${shorten(text)}" is longer than 255 octets`);
    return new Name(wire, keyOf(wire), labels + tail.labels);
  }

  /** For the reader: the labels from `start` to `end`, each with its length octet, in front of this name. */
  below(octets: Uint8Array, start: number, end: number): Name {
    const length = end - start;
    const wire = new Uint8Array(length + this.wire.length);
    for (let i = 0; i < length; i += 1) wire[i] = octets[start + i] ?? 0;
    wire.set(this.wire, length);
    let labels = this.labels;
    for (let at = 0; at < length; at += 1 + (wire[at] ?? 0)) labels += 1;
    return new Name(wire, latin1By(FOLD, wire, length) + this.key, labels);
  }

  equals(other: Name): boolean {
    return this.key === other.key;
  }

  get isRoot(): boolean {
    return this.labels === 0;
  }

  /** True for `top` itself and every name below it. */
  isAtOrBelow(top: Name): boolean {
    const extra = this.labels - top.labels;
    if (extra < 0 || !this.key.endsWith(top.key)) return false;
    return this.#offset(extra) === this.wire.length - top.wire.length;
  }

  isBelow(top: Name): boolean {
    return this.labels > top.labels && this.isAtOrBelow(top);
  }

  /** The name without its first label; the root is its own parent. */
  get parent(): Name {
    return this.labels === 0 ? this : this.ancestor(this.labels - 1);
  }

  /** The name at or above this one that has `labels` labels (0 is the root). */
  ancestor(labels: number): Name {
    if (labels >= this.labels) return this;
    const at = this.#offset(this.labels - labels);
    return new Name(this.wire.subarray(at), this.key.slice(at), labels);
  }

  /** Its `key` alone: most ancestors are only looked for. */
  ancestorKey(labels: number): string {
    return labels >= this.labels ? this.key : this.key.slice(this.#offset(this.labels - labels));
  }

  /** The octets of label `index`, the leftmost being 0, without the length octet. */
  label(index: number): Uint8Array {
    const at = this.#offset(index);
    return this.wire.subarray(at + 1, at + 1 + (this.wire[at] ?? 0));
  }

  /**
   * `label` (1 to 63 octets; in a string one for each character) put in front.
   * @returns `undefined` when the result would exceed 255 octets
   * @throws {@link NameError} when the label is empty, too long, or has characters above U+00FF
   */
  child(label: Uint8Array | string): Name | undefined {
    const octets = typeof label === 'string' ? octetsOf(label) : label;
    if (octets.length === 0 || octets.length > MAX_LABEL)
      throw new NameError('a label has 1 to 63 octets');
    if (this.wire.length + 1 + octets.length > MAX_NAME) return undefined;
    const wire = new Uint8Array(1 + octets.length + this.wire.length);
    wire[0] = octets.length;
    wire.set(octets, 1);
    wire.set(this.wire, 1 + octets.length);
    return Name.trusted(wire, this.labels + 1);
  }

  /** The name of the wildcard directly below: `*.example.com` for `example.com`; `undefined` when that is too long. */
  get wildcard(): Name | undefined {
    return this.child('*');
  }

  get isWildcard(): boolean {
    return this.wire[0] === 1 && this.wire[1] === 0x2a;
  }

  /**
   * This name with the suffix `from` replaced by `to`, as a DNAME does (RFC 6672 section 2.2).
   * @returns `undefined` when the result would exceed 255 octets
   * @throws {@link NameError} when this name is not below `from`
   */
  replaceSuffix(from: Name, to: Name): Name | undefined {
    if (!this.isBelow(from)) throw new NameError(`${this} is not below ${from}`);
    const prefix = this.wire.subarray(0, this.wire.length - from.wire.length);
    if (prefix.length + to.wire.length > MAX_NAME) return undefined;
    const wire = new Uint8Array(prefix.length + to.wire.length);
    wire.set(prefix);
    wire.set(to.wire, prefix.length);
    return Name.trusted(wire, this.labels - from.labels + to.labels);
  }

  /** How many labels, counted from the root, both names share. */
  commonLabels(other: Name): number {
    let shared = Math.min(this.labels, other.labels);
    while (shared > 0 && this.ancestorKey(shared) !== other.ancestorKey(shared)) shared -= 1;
    return shared;
  }

  /** RFC 4034 section 6.1: negative when this name sorts before `other`, 0 when equal. */
  compare(other: Name): number {
    const mine = this.#offsets();
    const theirs = other.#offsets();
    const shared = Math.min(mine.length, theirs.length);
    for (let i = 1; i <= shared; i += 1) {
      // Both indices lie inside the arrays: i runs over the shorter one.
      const order = compareLabels(
        this.key,
        mine[mine.length - i] ?? 0,
        other.key,
        theirs[theirs.length - i] ?? 0,
      );
      if (order !== 0) return order;
    }
    return mine.length - theirs.length;
  }

  /** The same name in lower case (RFC 4034 section 6.2). */
  get canonical(): Name {
    const { wire } = this;
    let first = 0;
    while (first < wire.length && FOLD[wire[first] ?? 0] === wire[first]) first += 1;
    if (first === wire.length) return this; // most names are
    const folded = new Uint8Array(wire); // and not `slice`, which for a Buffer would be a view
    for (let i = first; i < folded.length; i += 1) folded[i] = FOLD[folded[i] ?? 0] ?? 0;
    return new Name(folded, this.key, this.labels);
  }

  /** The same name with letters of other case; `wire`, which is kept, must say nothing else. */
  spelled(wire: Uint8Array): Name {
    return new Name(wire, this.key, this.labels);
  }

  /** Presentation form with the final dot; special characters as `\.`, octets outside 0x21 to 0x7e as `\DDD`. */
  toString(): string {
    if (this.labels === 0) return '.';
    const text = new Uint8Array(this.wire.subarray(1)); // each length octet but the first becomes the dot before its label
    for (const at of this.#offsets()) {
      const end = at + 1 + (this.wire[at] ?? 0);
      for (let i = at + 1; i < end; i += 1) if (!PLAIN[this.wire[i] ?? 0]) return this.#escaped();
      text[end - 1] = DOT;
    }
    return latin1(text);
  }

  #escaped(): string {
    let text = '';
    for (const at of this.#offsets()) {
      const end = at + 1 + (this.wire[at] ?? 0);
      for (let i = at + 1; i < end; i += 1) text += printOctet(this.wire[i] ?? 0);
      text += '.';
    }
    return text;
  }

  toJSON(): string {
    return this.toString();
  }

  #offset(label: number): number {
    let at = 0;
    for (let i = 0; i < label; i += 1) at += 1 + (this.wire[at] ?? 0);
    return at;
  }

  #offsets(): number[] {
    const offsets: number[] = [];
    for (let at = 0; (this.wire[at] ?? 0) !== 0; at += 1 + (this.wire[at] ?? 0)) offsets.push(at);
    return offsets;
  }
}

export const ROOT: Name = Name.fromWire(new Uint8Array(1));

/** Length octets (at most 63) lie below the letters, so folding every octet folds the labels only. */
function keyOf(wire: Uint8Array): string {
  return latin1By(FOLD, wire, wire.length);
}

function compareLabels(a: string, atA: number, b: string, atB: number): number {
  const lengthA = a.charCodeAt(atA);
  const lengthB = b.charCodeAt(atB);
  for (let i = 1; i <= Math.min(lengthA, lengthB); i += 1) {
    const difference = a.charCodeAt(atA + i) - b.charCodeAt(atB + i);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

function readText(text: string): { octets: number[]; labels: number; absolute: boolean } {
  const octets: number[] = [];
  let labels = 0;
  let start = 0; // where the length octet of the label under way stands
  octets.push(0);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      closeLabel(octets, start, text);
      labels += 1;
      if (i === text.length - 1) return { octets, labels, absolute: true };
      start = octets.length;
      octets.push(0);
    } else if (code === BACKSLASH) {
      const [octet, length] = readEscape(text, i);
      octets.push(octet);
      i += length;
    } else if (code > 0x7f) {
      throw new NameError(`"${shorten(text)}" is not ASCII: write it as A-labels (xn--...)`);
    } else octets.push(code);
  }
  closeLabel(octets, start, text);
  return { octets, labels: labels + 1, absolute: false };
}

function closeLabel(octets: number[], start: number, text: string): void {
  const length = octets.length - start - 1;
  if (length === 0) throw new NameError(`"${shorten(text)}" has an empty label`);
  if (length > MAX_LABEL)
    throw new NameError(`"${shorten(text)}" has a label longer than 63 octets`);
  octets[start] = length;
}

/** The octet that the escape at `text[at]` stands for, and how many characters follow the backslash. */
function readEscape(text: string, at: number): [octet: number, length: number] {
  const digits = /^\d{3}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (digits !== undefined) {
    const octet = Number(digits);
    if (octet > 255) throw new NameError(`"${shorten(text)}" has an escape above \\255`);
    return [octet, 3];
  }
  const code = text.charCodeAt(at + 1);
  if (Number.isNaN(code) || code > 0x7f || (code >= 0x30 && code <= 0x39))
    throw new NameError(`"${shorten(text)}" has a broken escape`);
  return [code, 1];
}

function octetsOf(label: string): Uint8Array {
  return Uint8Array.from(label, (char) => {
    const code = char.charCodeAt(0);
    if (code > 0xff) throw new NameError(`a label has octets, and "${char}" is none`);
    return code;
  });
}

/** 1 where an octet is printed as itself. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, octet) =>
  printOctet(octet).length === 1 ? 1 : 0,
);

function printOctet(octet: number): string {
  if (octet < 0x21 || octet > 0x7e) return `\\${String(octet).padStart(3, '0')}`;
  const char = String.fromCharCode(octet);
  return SPECIAL.has(octet) ? `\\${char}` : char;
}

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
