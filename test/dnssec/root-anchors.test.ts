// RFC 9718: the example of its section 2.3, and what can be wrong with such a file.
import t from 'tap';
import { printRdata } from '../../src/dns/presentation.ts';
import { ROOT_ANCHORS } from '../../src/dnssec/anchors.ts';
import { parseRootAnchors } from '../../src/dnssec/root-anchors.ts';
import { contextAt } from './support.ts';

const NOW = Date.UTC(2026, 10, 24) / 1000;

const KEY_2017 = `
      AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4Rg
      WOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQ
      uCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj
      /EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Ap
      xz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXG
      Xws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=
    `;
const XML = `<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="E9724F53-1851-4F86-85E5-F1392102940B"
  source="http://data.iana.org/root-anchors/root-anchors.xml">
  <Zone>.</Zone>
  <KeyDigest id="Kjqmt7v"
      validFrom="2010-07-15T00:00:00+00:00"
      validUntil="2019-01-11T00:00:00+00:00">  <!-- This key
      is no longer valid, since validUntil is in the past -->
    <KeyTag>19036</KeyTag>
    <Algorithm>8</Algorithm>
    <DigestType>2</DigestType>
    <Digest>
49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5
    </Digest>
  </KeyDigest>
  <KeyDigest id="Klajeyz" validFrom="2017-02-02T00:00:00+00:00">
    <KeyTag>20326</KeyTag>
    <Algorithm>8</Algorithm>
    <DigestType>2</DigestType>
    <Digest>
E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
    </Digest>
    <PublicKey>${KEY_2017}</PublicKey>
    <Flags>257</Flags>
  </KeyDigest>
  <!-- The following is called "KSK-2024" as a shorthand name -->
  <KeyDigest id="Kmyv6jo" validFrom="2024-07-18T00:00:00+00:00">
    <KeyTag>38696</KeyTag>
    <Algorithm>8</Algorithm>
    <DigestType>2</DigestType>
    <Digest>
683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
    </Digest>
  </KeyDigest>
</TrustAnchor>
`;

/** The tags of the anchors, and what was passed over; or why the file was refused. */
function read(xml: string, seconds = NOW): readonly string[] {
  const file = parseRootAnchors(xml, contextAt(seconds));
  if (file.kind === 'refused') return [file.why];
  const ds = [...file.anchors.values()].flatMap((anchor) => anchor.ds);
  return [...ds.map((rdata) => printRdata('DS', rdata).split(' ')[0] ?? ''), ...file.passedOver];
}
const OLD = 'key 19036 was valid until 2019-01-11T00:00:00+00:00';

t.test(
  'the example of RFC 9718 gives the DS records that it names, which are those built in',
  (t) => {
    t.strictSame(read(XML), ['20326', '38696', OLD]);
    const file = parseRootAnchors(XML, contextAt(NOW));
    t.strictSame(file.kind === 'anchors' && file.anchors, ROOT_ANCHORS);
    t.end();
  },
);

t.test('validFrom and validUntil', (t) => {
  const at = (iso: string): readonly string[] => read(XML, Date.parse(iso) / 1000);
  t.strictSame(at('2019-01-10T23:59:59Z').slice(0, 2), ['19036', '20326']);
  t.strictSame(at('2019-01-11T00:00:00Z').slice(0, 2), ['20326', OLD], 'the end is outside');
  t.strictSame(at('2024-07-17T23:59:59Z')[0], '20326');
  t.match(at('2024-07-17T23:59:59Z')[2], /38696 is valid from/);
  t.strictSame(at('2024-07-18T00:00:00Z').slice(0, 2), ['20326', '38696']);
  t.match(at('2009-01-01T00:00:00Z')[0], /^it has no valid trust anchor: key 19036 is valid from/);
  t.match(read(XML.replaceAll('T00:00:00+00:00', ''))[0], /times that cannot be read/);
  t.end();
});

t.test('cut off anywhere, it is refused', (t) => {
  const end = XML.lastIndexOf('>');
  for (let at = 0; at < end; at += 11)
    if (parseRootAnchors(XML.slice(0, at), contextAt(NOW)).kind !== 'refused')
      t.fail(`cut at ${at}`);
  t.match(read(XML.slice(0, 900))[0], /well-formed/);
  t.end();
});

t.test('a digest that is not the public key’s is no anchor', (t) => {
  t.strictSame(read(XML.replace('E06D44B8', 'E06D44B9')), [
    '38696',
    OLD,
    "key 20326 has a digest that is not its public key's",
  ]);
  t.match(read(XML.replace('<Flags>257', '<Flags>385')).at(-1), /not its public key's/);
  t.match(read(XML.replace('<Flags>257</Flags>', '')).at(-1), /without the other/);
  t.end();
});

t.test(
  'unknown algorithms and digest types are passed over; with nothing left it is refused',
  (t) => {
    const other = XML.replaceAll('<Algorithm>8', '<Algorithm>200');
    t.match(
      read(other)[0],
      /no valid trust anchor: .*20326 is of the algorithm 200, which is not supported/,
    );
    t.match(
      read(XML.replaceAll('<DigestType>2', '<DigestType>9'))[0],
      /the type 9, which is not supported/,
    );
    t.match(read(XML.replaceAll('<Digest>\n', '<Digest>\nzz'))[0], /no digest of its type/);
    t.end();
  },
);

t.test('what RFC 9718 does not have is refused', (t) => {
  t.match(read('')[0], /well-formed/);
  t.match(read('<TrustAnchor/>')[0], /no valid trust anchor|no zone/);
  t.match(read('<html><body/></html>')[0], /it has an element html/);
  t.match(
    read(XML.replace('<Zone>', '<Zones>').replace('</Zone>', '</Zones>'))[0],
    /element TrustAnchor\/Zones/,
  );
  t.match(read(XML.replace('<Zone>.', '<Zone>a..b'))[0], /for no zone/);
  t.match(
    read(`<!DOCTYPE a [<!ENTITY b "c">]>${XML.slice(XML.indexOf('<Trust'))}`)[0],
    /document type/,
  );
  t.match(read(XML.replace('<KeyTag>20326', '<KeyTag>&bomb;'))[0], /well-formed/);
  t.match(read(`${XML}${' '.repeat(65_536)}`)[0], /larger than/);
  t.end();
});

t.test('what is wrong is named, however little there is of it', (t) => {
  const only = (fields: string, attributes = 'id="K"'): readonly string[] =>
    read(
      `<TrustAnchor><Zone>.</Zone><KeyDigest ${attributes} validFrom="2017-02-02T00:00:00Z">${fields}</KeyDigest></TrustAnchor>`,
    );
  const none = 'it has no valid trust anchor: ';
  t.strictSame(only(''), [`${none}key K is of the algorithm (none), which is not supported`]);
  t.strictSame(only('', ''), [
    `${none}key without a tag is of the algorithm (none), which is not supported`,
  ]);
  t.strictSame(only('<KeyTag>7</KeyTag><Algorithm>8</Algorithm>'), [
    `${none}key 7 has a digest of the type (none), which is not supported`,
  ]);
  t.match(only('<KeyTag>7</KeyTag><Algorithm>0x8</Algorithm>')[0], /the algorithm 0x8, which/);
  t.match(
    read(XML.replaceAll('<Algorithm>8', '<Algorithm>200'))[0],
    /2019-01-11T00:00:00\+00:00; key 20326 .*; key 38696 /,
    'each after the other',
  );
  t.strictSame(read('<TrustAnchor><Zone> </Zone></TrustAnchor>'), ['it is for no zone']);
  const long = 'a'.repeat(90);
  t.strictSame(read(`<TrustAnchor><Zone>${long}</Zone></TrustAnchor>`), [
    `it is for no zone: "${'a'.repeat(80)}"`,
  ]);
  t.strictSame(read(`<${long}/>`), [`line 1: it has an element ${'a'.repeat(80)}`]);
  t.end();
});

t.test('text in pieces, in CDATA, and between elements', (t) => {
  const whole = read(XML);
  t.strictSame(read(XML.replace('E06D44B8', 'E06D<!-- a comment -->44B8')), whole);
  t.strictSame(read(XML.replace('<KeyTag>20326', '<KeyTag><![CDATA[20326]]>')), whole);
  t.strictSame(read(XML.replace('<KeyTag>20326', 'KeyTag 7 <KeyTag>20326')), whole);
  t.strictSame(read(`${XML}${' '.repeat(65_536 - XML.length)}`), whole, 'of the largest size');
  t.match(read(`${XML}${' '.repeat(65_537 - XML.length)}`)[0], /larger than/);
  t.end();
});
