/**
 * RDATA as one table: for each type the list of its fields, from which the wire, canonical, presentation and object
 * forms all follow.
 * @module
 */
export type Rdata = Uint8Array;
