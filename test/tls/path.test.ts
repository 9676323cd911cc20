/** Paths and names: the rules one by one, and hostile lists. */
import t from 'tap';
import {
  type CertificateDescription,
  type ExtensionDescription,
  type IssuedCertificate,
  issue,
} from '../../src/testing/certificates.ts';
import {
  boolean,
  explicit,
  implicit,
  integer,
  objectId,
  sequence,
  set,
  utf8String,
} from '../../src/testing/der.ts';
import { type Certificate, parseCertificate } from '../../src/tls/certificate.ts';
import { matchHost } from '../../src/tls/identity.ts';
import { Comparisons } from '../../src/tls/name-constraints.ts';
import { type Path, PathFinder } from '../../src/tls/path.ts';
import { checkPath, type PathRules } from '../../src/tls/path-rules.ts';
import { verifyByRoots } from '../../src/tls/pkix.ts';

const DAY_MS = 86_400_000;

function read(der: Uint8Array): Certificate {
  const parsed = parseCertificate(der);
  if (parsed.kind === 'malformed') throw new Error(parsed.why);
  return parsed.certificate;
}

const rules = (more: Partial<PathRules> = {}): PathRules => ({
  now: Date.now(),
  anchor: 'certificate',
  minimumRsaBits: 1024,
  sha1: 'refuse',
  comparisons: new Comparisons(),
  ...more,
});

/** The path from the first certificate through the others in this order, signatures included, or what is wrong. */
function walk(list: readonly IssuedCertificate[], more: Partial<PathRules> = {}): string {
  const [leaf, ...above] = list.map(({ der }) => read(der));
  if (!leaf) throw new RangeError('no certificate');
  const finder = new PathFinder(leaf, above);
  const path = [...finder.paths()].find(({ length }) => length === list.length);
  if (!path) return 'no path';
  const problem = checkPath(path, rules(more));
  return problem ? `${problem.kind} at ${problem.depth}` : 'holds';
}

/** root, CAs below it, leaf; given from the root down, returned from the leaf up. */
function ladder(...steps: readonly CertificateDescription[]): readonly IssuedCertificate[] {
  const list: IssuedCertificate[] = [];
  for (const [i, step] of steps.entries()) {
    const isLeaf = i === steps.length - 1;
    const kind = isLeaf ? 'leaf' : 'authority';
    list.unshift(issue({ subject: isLeaf ? 'mx.example.com' : `CA ${i}`, kind, ...step }, list[0]));
  }
  return list;
}

const NAMES = { names: ['mx.example.com'] };
const general = {
  email: (text: string) => implicit(1, Buffer.from(text)),
  dns: (text: string) => implicit(2, Buffer.from(text)),
  directory: (name: Uint8Array) => explicit(4, name),
  uri: (text: string) => implicit(6, Buffer.from(text)),
  ip: (...octets: number[]) => implicit(7, Uint8Array.from(octets)),
};
const commonName = (text: string): Uint8Array =>
  sequence(set(sequence(objectId('2.5.4.3'), utf8String(text))));
const subtrees = (tag: number, bases: readonly Uint8Array[]): Uint8Array[] =>
  bases.length > 0 ? [explicit(tag, Buffer.concat(bases.map((base) => sequence(base))))] : [];
const constraints = (
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[] = [],
): ExtensionDescription => ({
  id: '2.5.29.30',
  value: sequence(...subtrees(0, permitted), ...subtrees(1, excluded)),
  weight: 'critical',
});
const altNames = (...names: readonly Uint8Array[]): ExtensionDescription => ({
  id: '2.5.29.17',
  value: sequence(...names),
});

t.test('the rules of a path', async (t) => {
  const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
  const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
  const past = { notBefore: 0, notAfter: Date.now() - DAY_MS };
  const future = { notBefore: Date.now() + DAY_MS, notAfter: Date.now() + 2 * DAY_MS };
  const unknown = { id: '1.3.6.1.4.1.99999.1', value: boolean(true) };
  const rows: [string, readonly IssuedCertificate[], string][] = [
    ['root, CA, leaf', ladder({}, {}, NAMES), 'holds'],
    ['an expired leaf', ladder({}, {}, past), 'expired at 0'],
    ['an expired CA', ladder({}, past, {}), 'expired at 1'],
    ['an expired root', ladder(past, {}, {}), 'expired at 2'],
    ['a leaf from tomorrow on', ladder({}, {}, future), 'not-yet-valid at 0'],
    ['a CA that is none', ladder({}, { kind: 'leaf' }, {}), 'not-a-ca at 1'],
    ['path length 0 above the leaf', ladder({}, { pathLength: 0 }, {}), 'holds'],
    ['path length 0 above a CA', ladder({}, { pathLength: 0 }, {}, {}), 'path-length at 2'],
    ['path length 0 in the root', ladder({ pathLength: 0 }, {}, {}), 'path-length at 2'],
    ['path length 1 above a CA', ladder({}, { pathLength: 1 }, {}, {}), 'holds'],
    [
      'a wider length below does not help',
      ladder({ pathLength: 1 }, { pathLength: 9 }, {}, {}),
      'path-length at 3',
    ],
    ['for TLS servers', ladder({}, { usages: [SERVER_AUTH] }, { usages: [SERVER_AUTH] }), 'holds'],
    // RFC 5280 section 4.2.1.12: applications "MAY reject" it; `openssl verify -purpose sslserver` does.
    ['for any purpose', ladder({}, {}, { usages: ['2.5.29.37.0'] }), 'extended-key-usage at 0'],
    [
      'for any purpose, and for TLS servers',
      ladder({}, {}, { usages: ['2.5.29.37.0', SERVER_AUTH] }),
      'holds',
    ],
    [
      'a CA for any purpose',
      ladder({}, { usages: ['2.5.29.37.0'] }, {}),
      'extended-key-usage at 1',
    ],
    ['a leaf for clients', ladder({}, {}, { usages: [CLIENT_AUTH] }), 'extended-key-usage at 0'],
    ['a CA for clients', ladder({}, { usages: [CLIENT_AUTH] }, {}), 'extended-key-usage at 1'],
    [
      'a critical extension that nobody knows, in the leaf',
      ladder({}, {}, { extensions: [{ ...unknown, weight: 'critical' }] }),
      'unknown-critical-extension at 0',
    ],
    [
      'the same in a CA',
      ladder({}, { extensions: [{ ...unknown, weight: 'critical' }] }, {}),
      'unknown-critical-extension at 1',
    ],
    ['the same, not critical', ladder({}, { extensions: [unknown] }, {}), 'holds'],
    [
      'an extension twice',
      ladder({}, {}, { ...NAMES, extensions: [altNames()] }),
      'malformed at 0',
    ],
    ['Ed25519 and RSA', ladder({ key: 'ed25519' }, { key: 'rsa' }, { key: 'ed25519' }), 'holds'],
  ];
  for (const [claim, list, expected] of rows) t.equal(walk(list), expected, claim);

  const rsa = ladder({}, { key: 'rsa' }, {});
  t.equal(walk(rsa, { minimumRsaBits: 3072 }), 'weak-key at 1', 'a key that is too short');
  const expiredAnchor = ladder({}, past, {}).slice(0, 2);
  t.equal(walk(expiredAnchor), 'holds', 'a trust anchor that is no root stands for its key');
  t.equal(walk(expiredAnchor, { anchor: 'key' }), 'expired at 1', 'below a bare key it has dates');
});

t.test('how long a path may be at all', async (t) => {
  const long = ladder({}, {}, {}, NAMES);
  t.equal(walk(long, { maximumIntermediates: 2 }), 'holds');
  t.equal(walk(long, { maximumIntermediates: 1 }), 'path-length at 3');
  const rootless = long.slice(0, -1);
  t.equal(walk(rootless, { maximumIntermediates: 1 }), 'holds', 'the trust anchor is none');
  t.equal(
    walk(rootless, { maximumIntermediates: 1, anchor: 'key' }),
    'path-length at 2',
    'below a bare key the last certificate is one',
  );
  const root = issue({ kind: 'authority', subject: 'CA 0' });
  const renewed = issue({ kind: 'authority', subject: 'CA 0' }, root);
  const list = [issue(NAMES, renewed), renewed, root];
  // RFC 5280 section 6.1.4 (l)
  t.equal(
    walk(list, { maximumIntermediates: 0 }),
    'holds',
    'a CA that renewed itself is none more',
  );
});

t.test('trusted roots', async (t) => {
  const [leaf, middle, root] = ladder({}, {}, NAMES);
  if (!leaf || !middle || !root) throw new RangeError('three steps');
  const verify = (
    list: readonly IssuedCertificate[],
    roots: readonly IssuedCertificate[],
    first = leaf,
  ): string => {
    const verdict = verifyByRoots(
      {
        leaf: read(first.der),
        others: list.map(({ der }) => read(der)),
        roots: roots.map(({ der }) => read(der)),
      },
      rules(),
    );
    if (verdict.kind === 'trusted') return `${verdict.path.length} certificates`;
    return verdict.problem ? `${verdict.problem.kind} at ${verdict.problem.depth}` : 'no path';
  };
  const namesake = issue({ kind: 'authority', subject: 'CA 0' });
  t.equal(verify([middle], [root]), '3 certificates', 'the root need not be sent');
  t.equal(verify([root, middle], [root]), '3 certificates', 'nor does it hurt, in any order');
  t.equal(verify([middle, root], []), 'no path', 'a root that is sent is not trusted for it');
  t.equal(verify([middle, root], [namesake]), 'no path', 'nor is one of the same name');
  t.equal(verify([], [root]), 'no path', 'a gap');
  t.equal(verify([middle, root], [middle]), 'no path', 'what is trusted is roots');
  const own = issue({ ...NAMES, kind: 'authority', subject: 'self' });
  t.equal(verify([], [own], own), 'no path', 'a server does not vouch for itself');
  const expired = issue({ ...NAMES, notBefore: 0, notAfter: 1 }, middle);
  t.equal(verify([middle], [root], expired), 'expired at 0', 'what is wrong with the path');
});

t.test('signatures', async (t) => {
  const [leaf, authority] = ladder({}, NAMES);
  const namesake = issue({ kind: 'authority', subject: 'CA 0' });
  if (!leaf || !authority) throw new RangeError('two steps make two certificates');
  t.equal(walk([leaf, authority]), 'holds');
  t.equal(walk([leaf, namesake]), 'no path', 'the right name with the wrong key');

  const flipped = Uint8Array.from(leaf.der);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  t.equal(
    walk([{ ...leaf, der: flipped }, authority]),
    'no path',
    'a signature with a flipped bit',
  );

  const ecdsa256 = Buffer.from(objectId('1.2.840.10045.4.3.2'));
  const ecdsa384 = Buffer.from(objectId('1.2.840.10045.4.3.3'));
  const der = Buffer.from(leaf.der);
  t.test('two algorithms in one certificate', async (t) => {
    const inner = Buffer.from(der);
    ecdsa384.copy(inner, inner.indexOf(ecdsa256));
    const outer = Buffer.from(der);
    ecdsa384.copy(outer, outer.lastIndexOf(ecdsa256));
    for (const altered of [inner, outer]) {
      t.equal(read(altered).defect, 'two different signature algorithms');
      t.equal(walk([{ ...leaf, der: altered }, authority]), 'no path');
    }
    const both = Buffer.from(inner);
    ecdsa384.copy(both, both.lastIndexOf(ecdsa256));
    t.equal(walk([{ ...leaf, der: both }, authority]), 'no path', 'changed in both places');
  });

  t.test('a curve that is spelled out, or too small, vouches for nothing', async (t) => {
    const named = objectId('1.2.840.10045.3.1.7');
    const withCurve = (parameters: Uint8Array): Uint8Array => {
      const point = authority.spki.subarray(authority.spki.length - 68);
      return sequence(sequence(objectId('1.2.840.10045.2.1'), parameters), point);
    };
    const signer = authority;
    const finder = new PathFinder(read(leaf.der), []);
    t.ok(finder.isSignedBy(read(leaf.der), signer.spki));
    const point = signer.spki.subarray(signer.spki.length - 68);
    const respelled = sequence(sequence(objectId('1.2.840.10045.2.1'), named), point);
    t.ok(finder.isSignedBy(read(leaf.der), respelled), 'the test puts keys together rightly');
    for (const parameters of [
      sequence(integer(Uint8Array.of(1))),
      objectId('1.3.132.0.6'),
      Uint8Array.of(5, 0),
      new Uint8Array(0),
    ])
      t.notOk(finder.isSignedBy(read(leaf.der), withCurve(parameters)));
  });

  t.test('keys of the wrong kind', async (t) => {
    const finder = new PathFinder(read(leaf.der), []);
    for (const key of ['rsa', 'ed25519', 'P-256'] as const)
      t.notOk(finder.isSignedBy(read(leaf.der), issue({ key }).spki), key);
    t.notOk(finder.isSignedBy(read(leaf.der), Uint8Array.of()), 'nothing');
    t.notOk(finder.isSignedBy(read(leaf.der), leaf.der), 'no key at all');
    const long = sequence(
      integer(new Uint8Array(256).fill(0xff)),
      integer(new Uint8Array(256).fill(0xff)),
    );
    const slow = sequence(
      sequence(objectId('1.2.840.113549.1.1.1'), Uint8Array.of(5, 0)),
      Buffer.concat([
        Uint8Array.of(3, 0x82, (long.length + 1) >> 8, (long.length + 1) & 0xff, 0),
        long,
      ]),
    );
    const signed = issue({}, issue({ kind: 'authority', key: 'rsa' }));
    t.notOk(finder.isSignedBy(read(signed.der), slow), 'an RSA exponent of 2048 bits');
  });
});

t.test('which certificate stands above which', async (t) => {
  await t.test('order, padding and duplicates in the list do not matter', async (t) => {
    const [leaf, low, high, root] = ladder({}, {}, {}, NAMES);
    const stranger = issue({ kind: 'authority', subject: 'Stranger' });
    if (!leaf || !low || !high || !root) throw new RangeError('four steps');
    const pool = [stranger, root, high, leaf, low, low, stranger].map(({ der }) => read(der));
    const paths = [...new PathFinder(read(leaf.der), pool).paths()].map(({ length }) => length);
    t.same(paths, [1, 2, 3, 4], 'one path, each step of it once');
  });

  await t.test('a key that was certified twice makes two paths', async (t) => {
    const old = issue({ kind: 'authority', subject: 'Old Root' });
    const young = issue({ kind: 'authority', subject: 'New Root' });
    const cross = issue({ kind: 'authority', subject: 'New Root', keyOf: young }, old);
    const leaf = issue(NAMES, young);
    const finder = new PathFinder(
      read(leaf.der),
      [young, cross, old].map(({ der }) => read(der)),
    );
    t.same(
      [...finder.paths()].map(({ length }) => length),
      [1, 2, 2, 3],
    );
  });

  await t.test(
    'CAs that all sign each other make exponentially many, of which some are seen',
    async (t) => {
      const heads = Array.from({ length: 8 }, (_, i) =>
        issue({ kind: 'authority', subject: `CA ${i}` }),
      );
      const crosses = heads.flatMap((above) =>
        heads
          .filter((below) => below !== above)
          .map((below) =>
            issue(
              { kind: 'authority', subject: `CA ${heads.indexOf(below)}`, keyOf: below },
              above,
            ),
          ),
      );
      const pool = [...heads, ...crosses].map(({ der }) => read(der));
      const finder = new PathFinder(read(issue(NAMES, heads[0]).der), pool);
      const paths = [...finder.paths()];
      t.ok(paths.length <= 1024, `${paths.length} paths`);
      t.ok(finder.spent, 'and it is said that there are more');
      t.ok(
        paths.every((path: Path) => new Set(path).size === path.length),
        'none runs in circles',
      );
    },
  );

  await t.test('a list of four hundred CAs costs no more signatures than the limit', async (t) => {
    const key = issue({ kind: 'authority', subject: 'Many' });
    const other = issue({ kind: 'authority', subject: 'Many' });
    const leaf = read(issue(NAMES, key).der);
    const many = Array.from({ length: 200 }, (_, i) =>
      read(
        issue({
          kind: 'authority',
          subject: 'Many',
          keyOf: other,
          notAfter: Date.now() + i * DAY_MS,
        }).der,
      ),
    );
    // Without identifiers, nothing but the signature tells them from the issuer.
    const bare = many.map((certificate) => ({
      ...certificate,
      extensions: { unknownCritical: [] },
    }));
    const finder = new PathFinder(leaf, [...bare, read(key.der)]);
    t.same(finder.issuersOf(leaf), [], 'the true one stands behind too many false ones');
    t.ok(finder.spent);
  });
});

t.test('name constraints', async (t) => {
  const under = (
    constraint: ExtensionDescription,
    leaf: CertificateDescription,
    middle: CertificateDescription = {},
  ): string => walk(ladder({}, { extensions: [constraint] }, middle, leaf));
  const dns = (...names: string[]): CertificateDescription => ({ names });
  const only = constraints([general.dns('example.com')]);
  const without = constraints([], [general.dns('example.com')]);
  const REFUSED = 'name-constraint at 2';
  const uri = (text: string) => ({ extensions: [altNames(general.uri(text))] });
  /** A subject with nothing but a mail address (RFC 5280 section 4.1.2.6, an IA5String). */
  const mailSubject = (address: string): CertificateDescription => ({
    subjectName: sequence(
      set(
        sequence(
          objectId('1.2.840.113549.1.9.1'),
          Uint8Array.of(0x16, address.length, ...Buffer.from(address)),
        ),
      ),
    ),
  });
  const rows: [string, string, string][] = [
    ['the name itself', under(only, dns('example.com')), 'holds'],
    ['a name below it', under(only, dns('mx.EXAMPLE.com')), 'holds'],
    ['a name that only ends alike', under(only, dns('notexample.com')), REFUSED],
    ['one name of several', under(only, dns('mx.example.com', 'mx.example.org')), REFUSED],
    ['a wildcard within', under(only, dns('*.example.com')), 'holds'],
    ['a wildcard above', under(only, dns('*.com')), REFUSED],
    ['no DNS name but a CN', under(only, { subject: 'mx.example.org' }), REFUSED],
    [
      'a CN that is no host beside a DNS name',
      under(only, { subject: 'a.b', ...dns('example.com') }),
      'holds',
    ],
    ['a CN that is no host name', under(only, { subject: 'mail server' }), 'holds'],
    ['nor is a firm', under(only, { subject: 'Example Inc. mail server' }), 'holds'],
    ['a wildcard in the CN', under(only, { subject: '*.example.org' }), REFUSED],
    [
      'an authority of a firm, below the constraint (OpenSSL looks at a CN in the leaf only)',
      walk(
        ladder({}, { extensions: [only] }, { subject: 'Example Inc. CA 2' }, dns('mx.example.com')),
      ),
      'holds',
    ],
    ['an excluded name', under(without, dns('example.com')), REFUSED],
    ['a name below an excluded one', under(without, dns('a.b.example.com')), REFUSED],
    ['a wildcard that covers an excluded name', under(without, dns('*.com')), REFUSED],
    ['a name beside an excluded one', under(without, dns('example.org')), 'holds'],
    [
      'a CA in between is looked at too',
      under(only, dns('example.com'), { names: ['a.org'] }),
      REFUSED,
    ],
    [
      'excluded beats permitted',
      under(constraints([general.dns('com')], [general.dns('example.com')]), dns('example.com')),
      REFUSED,
    ],
    [
      'the empty base takes in all',
      under(constraints([], [general.dns('')]), dns('example.com')),
      REFUSED,
    ],
    [
      'a base with a dot takes in what is below only',
      under(constraints([general.dns('.example.com')]), dns('example.com')),
      REFUSED,
    ],
    [
      'a form that the leaf does not use',
      under(constraints([general.email('example.com')]), dns('example.com')),
      'holds',
    ],
    [
      'a mail address elsewhere',
      under(constraints([general.email('example.com')]), {
        extensions: [altNames(general.email('root@example.org'))],
      }),
      REFUSED,
    ],
    [
      'a mail address in the subject, elsewhere',
      under(constraints([general.email('example.com')]), mailSubject('root@example.org')),
      REFUSED,
    ],
    [
      'a mail address in the subject, within',
      under(constraints([general.email('example.com')]), mailSubject('root@example.com')),
      'holds',
    ],
    [
      'a mail address in the subject, excluded, beside DNS names',
      under(constraints([], [general.email('.example.com')]), {
        ...mailSubject('root@mx.example.com'),
        ...NAMES,
      }),
      REFUSED,
    ],
    [
      'a mail address in the subject that cannot be read',
      under(constraints([], [general.email('example.com')]), mailSubject('root')),
      REFUSED,
    ],
    [
      'no mail address, under a constraint on them',
      under(constraints([], [general.email('')]), NAMES),
      'holds',
    ],
    [
      'an excluded subtree that is no domain excludes all: nobody can tell what it meant',
      under(constraints([], [general.dns('*.example.org')]), NAMES),
      REFUSED,
    ],
    [
      'the same with a dot at the end',
      under(constraints([], [general.dns('org.')]), NAMES),
      REFUSED,
    ],
    [
      'a permitted subtree that is no domain permits nothing, not even itself',
      under(constraints([general.dns('*.example.com')]), dns('*.example.com')),
      REFUSED,
    ],
    [
      'a URI with the dot of the root',
      under(constraints([], [general.uri('.example.com')]), uri('https://www.example.com./')),
      REFUSED,
    ],
    [
      'an IP address elsewhere',
      under(constraints([general.ip(192, 0, 2, 0, 255, 255, 255, 0)]), {
        extensions: [altNames(general.ip(192, 0, 3, 1))],
      }),
      REFUSED,
    ],
    [
      'an IP address within',
      under(constraints([general.ip(192, 0, 2, 0, 255, 255, 255, 0)]), {
        extensions: [altNames(general.ip(192, 0, 2, 77))],
      }),
      'holds',
    ],
    [
      'IPv6 under a constraint on IPv4',
      under(constraints([general.ip(0, 0, 0, 0, 0, 0, 0, 0)]), {
        extensions: [altNames(general.ip(...new Uint8Array(16)))],
      }),
      REFUSED,
    ],
    [
      'a URI elsewhere',
      under(constraints([], [general.uri('.example.com')]), uri('https://x@www.example.com:1/')),
      REFUSED,
    ],
    [
      'a URI without a host',
      under(constraints([], [general.uri('example.com')]), uri('urn:x')),
      REFUSED,
    ],
    [
      'a URI with an address for a host',
      under(constraints([], [general.uri('example.com')]), uri('https://192.0.2.1/')),
      REFUSED,
    ],
    [
      'an excluded subject, whatever its letter case and spaces',
      under(constraints([], [general.directory(commonName('Evil  Twin'))]), {
        subject: 'evil twin ',
      }),
      REFUSED,
    ],
    [
      'another subject',
      under(constraints([], [general.directory(commonName('Evil Twin'))]), {
        subject: 'good twin',
      }),
      'holds',
    ],
    [
      'a subject that cannot be read under a constraint on subjects',
      under(constraints([], [general.directory(commonName('Evil Twin'))]), {
        extensions: [altNames(general.directory(sequence(set())))],
      }),
      REFUSED,
    ],
    [
      'a form that is not compared here',
      under(constraints([], [implicit(8, Uint8Array.of(42))]), {
        extensions: [altNames(implicit(8, Uint8Array.of(43)))],
      }),
      REFUSED,
    ],
    [
      'a part that RFC 5280 rules out',
      under(
        {
          id: '2.5.29.30',
          value: sequence(
            explicit(0, sequence(general.dns('example.com'), implicit(0, Uint8Array.of(1)))),
          ),
        },
        dns('example.com'),
      ),
      'malformed at 2',
    ],
  ];
  for (const [claim, found, expected] of rows) t.equal(found, expected, claim);

  await t.test('self-issued CAs in between are exempt, a self-issued leaf is not', async (t) => {
    const root = issue({
      kind: 'authority',
      subject: 'CA 0',
      extensions: [constraints([general.directory(commonName('nobody'))])],
    });
    const renewed = issue({ kind: 'authority', subject: 'CA 0' }, root);
    const leaf = issue({ subject: 'nobody' }, renewed);
    t.equal(walk([leaf, renewed, root]), 'holds');
    t.equal(walk([issue({ subject: 'CA 0', kind: 'leaf' }, root), root]), 'name-constraint at 1');
  });

  await t.test('more than can be compared is refused, and that is told quickly', async (t) => {
    const bases = Array.from({ length: 2000 }, (_, i) => general.dns(`x${i}.example.com`));
    const names = Array.from({ length: 2000 }, (_, i) => `y${i}.example.com`);
    t.equal(under(constraints([], bases), { names }), REFUSED);
    const shared = rules();
    const list = ladder(
      {},
      { extensions: [constraints([], bases.slice(0, 300))] },
      { names: names.slice(0, 100) },
    );
    t.equal(walk(list, shared), 'holds', 'a hundred names under three hundred constraints are few');

    // One leaf below as many constraints as there are paths: its names are read once, not each time.
    const rdn = set(sequence(objectId('2.5.4.3'), utf8String('x')));
    const subjectName = sequence(...Array.from({ length: 4000 }, () => rdn));
    const top = { kind: 'authority', extensions: [constraints([], [general.dns('a')])] } as const;
    const root = issue({ ...top, subject: 'CA' });
    const path = [issue({ subjectName }, root), root].map(({ der }) => read(der));
    const [spent, start] = [rules(), performance.now()];
    const results = Array.from({ length: 3000 }, () => checkPath(path, spent)?.kind ?? 'holds');
    const spentMs = performance.now() - start;
    t.ok(spentMs < 1500, `${spentMs.toFixed(0)} ms; read each time they take many seconds`);
    t.same([results.at(0), results.at(-1)], ['holds', 'name-constraint'], 'and it ends');
  });
});

t.test('host names', async (t) => {
  const speaksFor = (leaf: CertificateDescription, host: string): boolean =>
    matchHost(read(issue(leaf).der), [host]) !== undefined;
  const rows: [string, CertificateDescription, string, boolean][] = [
    ['the name', { names: ['mx.example.com'] }, 'mx.example.com', true],
    ['in other letters', { names: ['MX.Example.COM'] }, 'mx.eXample.com', true],
    ['one of many', { names: ['a.example', 'mx.example.com'] }, 'mx.example.com', true],
    ['another name', { names: ['mx.example.com'] }, 'mx2.example.com', false],
    ['a parent', { names: ['example.com'] }, 'mx.example.com', false],
    ['a child', { names: ['mx.example.com'] }, 'example.com', false],
    ['a wildcard for one label', { names: ['*.example.com'] }, 'mx.example.com', true],
    ['not for two', { names: ['*.example.com'] }, 'a.mx.example.com', false],
    ['not for none', { names: ['*.example.com'] }, 'example.com', false],
    ['not in the middle', { names: ['mx.*.com'] }, 'mx.example.com', false],
    ['not as part of a label', { names: ['m*.example.com'] }, 'mx.example.com', false],
    ['not for a whole top-level domain', { names: ['*.com'] }, 'example.com', false],
    ['not alone', { names: ['*'] }, 'com', false],
    ['not twice', { names: ['*.*.com'] }, 'mx.example.com', false],
    ['a wildcard asked for', { names: ['*.example.com'] }, '*.example.com', false],
    ['the empty name', { names: [''] }, '', false],
    ['a NUL in the name', { names: ['mx.example.com\0.evil.example'] }, 'mx.example.com', false],
    ['a dot at the end', { names: ['mx.example.com.'] }, 'mx.example.com', false],
    ['the CN where there are no DNS names', { subject: 'mx.example.com' }, 'mx.example.com', true],
    [
      'not where there are',
      { subject: 'mx.example.com', names: ['a.example'] },
      'mx.example.com',
      false,
    ],
    ['a wildcard in the CN', { subject: '*.example.com' }, 'mx.example.com', true],
    [
      'a CN of one label, which name constraints do not see',
      { subject: 'localhost' },
      'localhost',
      false,
    ],
    [
      'a mark of Unicode before the CN',
      { subject: '\ufeffmx.example.com' },
      'mx.example.com',
      false,
    ],
    [
      'a letter that folds to ASCII in Unicode',
      { subject: 'ban\u212a.example' },
      'bank.example',
      false,
    ],
    ['underscores', { names: ['_x.example.com'] }, '_x.example.com', true],
  ];
  for (const [claim, leaf, host, expected] of rows) t.equal(speaksFor(leaf, host), expected, claim);
});
