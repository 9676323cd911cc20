/**
 * Which types may be asked for.
 *
 * Does not: read what people write (parseType of dns/codes.ts does).
 * @module
 */
import { codeOf, isMetaType, type RRType, typeOf } from '../dns/codes.ts';

/**
 * @throws TypeError for a type that is no data, of which only ANY can be asked for, and for one that is spelled in another
 *   way than everywhere else: what is asked for as TYPE15 no reply has, and every bitmap denies
 */
export function checkType(type: RRType): void {
  const usual = typeOf(codeOf(type));
  if (usual !== type) throw new TypeError(`type: ${type} is spelled ${usual}`);
  if (isMetaType(type) && type !== 'ANY')
    throw new TypeError(`type: ${type} is no type that a zone can hold`);
}
