/**
 * Trust anchors from the XML that IANA publishes, `root-anchors.xml`.
 *
 * Implements RFC 9718 sections 2 and 4: validity, and the digest checked against the public key where one is given.
 * Does not: fetch the file, or verify its CMS signature; whoever brings it vouches for it.
 * @module
 */
import { SaxesParser } from 'saxes';
import { Name, NameError } from '../dns/name.ts';
import { parseRdata } from '../dns/presentation.ts';
import type { Rdata } from '../dns/rdata.ts';
import { isSupported } from './algorithms.ts';
import { type Anchors, anchorsFrom } from './anchors.ts';
import type { Context } from './context.ts';
import { parseDnsKey } from './dnskey.ts';
import { namedBy } from './trust-point.ts';

export type RootAnchors =
  /** `passedOver`: one sentence for each key that is not an anchor now, and why. */
  | {
      readonly kind: 'anchors';
      readonly anchors: Anchors;
      readonly passedOver: readonly string[];
    }
  | { readonly kind: 'refused'; readonly why: string };

/** Characters. IANA's file has 2000; ten keys with their public keys have 10 000. */
const LARGEST_XML = 65_536;

/** What stands in one KeyDigest element, by the name of the element or attribute. */
type Fields = ReadonlyMap<string, string>;

/** The text is not what RFC 9718 section 2.1 allows. */
class XmlProblem extends TypeError {}

/** @param context  whose `now` decides which anchors are valid; `policy` says what is supported */
export function parseRootAnchors(xml: string, context: Context): RootAnchors {
  try {
    const { zone, digests } = readXml(xml);
    const read = digests.map((fields) => readDigest(zone, fields, context));
    const records = read.flatMap((one) => (typeof one === 'string' ? [] : [one]));
    const passedOver = read.filter((one) => typeof one === 'string');
    if (records.length === 0)
      return { kind: 'refused', why: `it has no valid trust anchor: ${passedOver.join('; ')}` };
    return { kind: 'anchors', anchors: anchorsFrom(records), passedOver };
  } catch (error) {
    if (error instanceof XmlProblem) return { kind: 'refused', why: error.message };
    throw error;
  }
}

interface Read {
  readonly zone: Name;
  readonly digests: readonly Fields[];
}

/** The whole document, or nothing of it. */
function readXml(xml: string): Read {
  if (xml.length > LARGEST_XML) throw new XmlProblem(`it is larger than ${LARGEST_XML} characters`);
  const parser = new SaxesParser();
  const path: string[] = [];
  const digests: Map<string, string>[] = [];
  let zone = '';
  parser.on('error', (error) => {
    throw new XmlProblem(`it is no well-formed XML: ${error.message}`);
  });
  parser.on('doctype', () => {
    throw new XmlProblem('it has a document type, which RFC 9718 does not');
  });
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    if (ALLOWED.has(path.join('/'))) {
      if (name === 'KeyDigest') digests.push(new Map(Object.entries(attributes)));
      return;
    }
    throw new XmlProblem(`line ${parser.line}: it has an element ${path.join('/').slice(0, 80)}`);
  });
  const addText = (text: string): void => {
    const name = path.at(-1) ?? '';
    if (path.length === 2 && name === 'Zone') zone += text;
    const fields = path.length === 3 ? digests.at(-1) : undefined;
    fields?.set(name, (fields.get(name) ?? '') + text);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    path.pop();
  });
  parser.write(xml).close();
  return { zone: readZone(zone.trim()), digests };
}

const DIGEST = 'TrustAnchor/KeyDigest';
const ALLOWED: ReadonlySet<string> = new Set([
  'TrustAnchor',
  'TrustAnchor/Zone',
  DIGEST,
  ...['KeyTag', 'Algorithm', 'DigestType', 'Digest', 'PublicKey', 'Flags'].map(
    (name) => `${DIGEST}/${name}`,
  ),
]);

function readZone(text: string): Name {
  if (text === '') throw new XmlProblem('it is for no zone');
  try {
    return Name.parse(text);
  } catch (error) {
    if (error instanceof NameError)
      throw new XmlProblem(`it is for no zone: "${text.slice(0, 80)}"`);
    throw error;
  }
}

interface DsRecord {
  readonly owner: Name;
  readonly type: 'DS';
  readonly rdata: Rdata;
}

/** The DS record of one KeyDigest, or why it is none now. */
function readDigest(zone: Name, fields: Fields, context: Context): DsRecord | string {
  const field = (name: string): string => (fields.get(name) ?? '').replaceAll(/\s+/g, '');
  const label = `key ${field('KeyTag') || fields.get('id') || 'without a tag'}`;
  const untimely = checkTimes(fields, context.now);
  if (untimely) return `${label} ${untimely}`;
  const { algorithms } = context.policy;
  const algorithm = field('Algorithm');
  if (!isSupported(algorithms, readNumber(algorithm)))
    return `${label} is of the algorithm ${algorithm || '(none)'}, which is not supported`;
  if (!algorithms.digests.has(readNumber(field('DigestType'))))
    return `${label} has a digest of the type ${field('DigestType') || '(none)'}, which is not supported`;
  const ds = readRdata(
    'DS',
    `${field('KeyTag')} ${algorithm} ${field('DigestType')} ${field('Digest')}`,
  );
  if (!ds) return `${label} has no digest of its type`;
  if (fields.has('PublicKey') !== fields.has('Flags'))
    return `${label} has a public key or flags without the other`;
  if (fields.has('PublicKey')) {
    const key = readRdata('DNSKEY', `${field('Flags')} 3 ${algorithm} ${field('PublicKey')}`);
    const published = key && parseDnsKey(key);
    if (!published || namedBy(zone, [ds], [published], context).length === 0)
      return `${label} has a digest that is not its public key's`;
    if (!published.isZoneKey || published.isRevoked) return `${label} is revoked or no zone key`;
  }
  return { owner: zone, type: 'DS', rdata: ds };
}

const readNumber = (text: string): number => (/^\d{1,5}$/.test(text) ? Number(text) : Number.NaN);

function readRdata(type: 'DS' | 'DNSKEY', text: string): Rdata | undefined {
  try {
    return parseRdata(type, text);
  } catch {
    return undefined;
  }
}

/** RFC 9718 section 4.1: no anchor outside of its time. */
function checkTimes(fields: Fields, now: number): string | undefined {
  const [from, until] = ['validFrom', 'validUntil'].map((name) => fields.get(name));
  const [fromMs, untilMs] = [
    readTime(from),
    until === undefined ? Number.POSITIVE_INFINITY : readTime(until),
  ];
  if (Number.isNaN(fromMs) || Number.isNaN(untilMs)) return 'has times that cannot be read';
  if (now < fromMs) return `is valid from ${from}`;
  return now >= untilMs ? `was valid until ${until}` : undefined;
}

/** xsd:dateTime, with the zone that a moment needs. */
const readTime = (text: string | undefined): number =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text ?? '')
    ? Date.parse(text ?? '')
    : Number.NaN;
