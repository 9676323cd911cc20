/**
 * A reply as the validator reads it: answer and authority grouped into RRsets. The additional section is left out,
 * because nothing may be concluded from it.
 * @module
 */
import type { Rcode } from '../dns/codes.ts';
import type { RRset } from '../dns/rrset.ts';

export interface Reply {
  readonly rcode: Rcode;
  readonly answer: readonly RRset[];
  readonly authority: readonly RRset[];
}
