/**
 * What every kind of field can do on the wire (see field.ts) and in text (see field-text.ts).
 * @module
 */
import type { Reader } from './cursor.ts';
import type { TokenReader } from './token-reader.ts';
import type { Writer } from './writer.ts';

/** One kind on the wire. `check` moves over a field and refuses what `read` would, without making the value. */
export interface Codec<V> {
  readonly check: (reader: Reader) => void;
  readonly read: (reader: Reader) => V;
  readonly write: (writer: Writer, value: V) => void;
}

/** One kind as text. `parse` throws TextError; `name` is the field's, for the message. */
export interface TextForm<V> {
  readonly print: (value: V) => string;
  readonly parse: (tokens: TokenReader, name: string) => V;
}
