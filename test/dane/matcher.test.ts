// Cases M01 to M34 of ../shared/spec/dane-cases.md: which certificate a record speaks of, paths, and names.
import { type IssuedCertificate, issue } from '../../src/testing/certificates.ts';
import { explicit, implicit, objectId, sequence, set, utf8String } from '../../src/testing/der.ts';
import {
  authority,
  type Case,
  EXPIRED,
  FUTURE,
  I,
  L,
  MX,
  matcherCase,
  R,
  server,
  tlsa,
  U,
  wrong,
} from './matcher-support.ts';

matcherCase('M01', [{ claim: '3 1 1', records: [tlsa(3, 1, 1, L)], chain: [L], expect: 0 }]);

matcherCase(
  'M02',
  (
    [
      [0, 1],
      [0, 2],
      [1, 2],
      [0, 0],
      [1, 0],
    ] as const
  ).map(([selector, type]) => ({
    claim: `3 ${selector} ${type} alone`,
    records: [tlsa(3, selector, type, L)],
    chain: [L],
    expect: 0,
  })),
);

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
matcherCase(
  'M03',
  Object.entries({
    'a wrong name': server(I, { names: ['other.example.net'] }),
    expired: server(I, EXPIRED),
    'not valid yet': server(I, FUTURE),
    'no name at all': issue({}, I),
    'for clients only': server(I, { usages: [CLIENT_AUTH] }),
  }).map(([claim, leaf]) => ({
    claim: `3 1 1 looks at the key alone (RFC 7671 section 5.1): ${claim}`,
    records: [tlsa(3, 1, 1, leaf)],
    chain: [leaf],
    expect: 0,
  })),
);

matcherCase('M04', [
  {
    claim: '3 1 1 one bit off',
    records: [wrong(tlsa(3, 1, 1, L))],
    chain: [L],
    expect: 'dane-no-match',
  },
]);
matcherCase('M05', [
  {
    claim: '3 1 1 of the intermediate speaks of no server',
    records: [tlsa(3, 1, 1, I)],
    chain: [L, I],
    expect: 'dane-no-match',
  },
]);
matcherCase('M06', [
  { claim: '2 0 1 of I', records: [tlsa(2, 0, 1, I)], chain: [L, I], expect: 1 },
]);
matcherCase('M07', [
  { claim: '2 0 1 of R', records: [tlsa(2, 0, 1, R)], chain: [L, I, R], expect: 2 },
]);
matcherCase('M08', [
  {
    claim: '2 0 1 of R, which is not sent',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, I],
    expect: 'dane-ta-missing-from-chain',
  },
  {
    claim: 'the same, though R is in the trust store (RFC 7671 section 5.2.2)',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, I],
    options: { trustRoots: [R.der], usages: 'all' },
    expect: 'dane-ta-missing-from-chain',
  },
]);
matcherCase('M09', [
  { claim: '2 0 0 of R, in the DNS alone', records: [tlsa(2, 0, 0, R)], chain: [L, I], expect: 2 },
]);
matcherCase('M10', [
  { claim: '2 0 0 of I, in the DNS alone', records: [tlsa(2, 0, 0, I)], chain: [L], expect: 1 },
]);
matcherCase('M11', [
  {
    claim: '2 1 0 of R, a bare key, signs the last certificate (RFC 7671 section 5.2.3)',
    records: [tlsa(2, 1, 0, R)],
    chain: [L, I],
    expect: 1,
  },
]);
matcherCase('M12', [
  { claim: '2 1 0 of I signs the leaf', records: [tlsa(2, 1, 0, I)], chain: [L], expect: 0 },
]);
matcherCase('M13', [
  {
    claim: '2 1 0 of a key that signed nothing',
    records: [tlsa(2, 1, 0, U)],
    chain: [L, I],
    expect: 'dane-no-match',
  },
]);
matcherCase('M14', [
  {
    claim: '2 1 1 of R, a digest of what is not sent',
    records: [tlsa(2, 1, 1, R)],
    chain: [L, I],
    expect: 'dane-ta-missing-from-chain',
  },
]);
matcherCase('M15', [
  {
    claim: 'a trust anchor that is sent along, and signed nothing',
    records: [tlsa(2, 0, 1, U)],
    chain: [L, I, R, U],
    expect: 'certificate-not-trusted',
  },
]);

const BASIC_CONSTRAINTS = '2.5.29.19';
const X = issue({ kind: 'leaf', subject: 'No CA' }, R);
const KEY_USAGE = '2.5.29.15';
const X_BARE = authority('No extensions', R, { without: [BASIC_CONSTRAINTS, KEY_USAGE] });
const X_SIGNER = authority('No constraints', R, { without: [BASIC_CONSTRAINTS] });
matcherCase(
  'M16',
  Object.entries({
    'CA:FALSE': X,
    'neither basic constraints nor key usage': X_BARE,
    'keyCertSign and no basic constraints (RFC 5280 section 4.2.1.9)': X_SIGNER,
  }).flatMap(([what, issuer]) => {
    const chain = [server(issuer), issuer, R];
    const expect = 'certificate-not-trusted';
    const openssl = issuer === X_SIGNER && { openssl: 'takes keyCertSign for the CA flag' };
    const below = { claim: `an issuer with ${what}, below R`, records: [tlsa(2, 0, 1, R)] };
    const itself = {
      claim: `the same as the trust anchor: ${what}`,
      records: [tlsa(2, 0, 1, issuer)],
    };
    return [
      { ...below, chain, expect, ...openssl },
      { ...itself, chain, expect, ...openssl },
    ] as const;
  }),
);

/** One case for each form in which a certificate is named as trust anchor. */
const asAnchor = (
  anchor: IssuedCertificate,
  { claim, ...more }: Pick<Case, 'claim' | 'chain' | 'expect'>,
): readonly Case[] =>
  (
    [
      [0, 1],
      [1, 1],
      [0, 0],
    ] as const
  ).map(([selector, type]) => ({
    claim: `${claim}, 2 ${selector} ${type}`,
    records: [tlsa(2, selector, type, anchor)],
    ...more,
  }));

const NARROW = authority('Narrow', R, { pathLength: 0 });
const BELOW = authority('Below', NARROW);
const NARROW_ROOT = authority('Narrow root', undefined, { pathLength: 0 });
const BELOW_ROOT = authority('Below root', NARROW_ROOT);
matcherCase('M17', [
  {
    claim: 'path length 0 in an intermediate, and a CA below it',
    records: [tlsa(2, 0, 1, R)],
    chain: [server(BELOW), BELOW, NARROW, R],
    expect: 'certificate-not-trusted',
  },
  ...asAnchor(NARROW_ROOT, {
    claim: 'path length 0 in the trust anchor itself',
    chain: [server(BELOW_ROOT), BELOW_ROOT, NARROW_ROOT],
    expect: 'certificate-not-trusted',
  }),
]);

const OLD = authority('Old', R, EXPIRED);
const EARLY = authority('Early', R, FUTURE);
const BY_OLD = server(OLD);
matcherCase('M18', [
  {
    claim: 'an intermediate that has expired',
    records: [tlsa(2, 0, 1, R)],
    chain: [BY_OLD, OLD, R],
    expect: 'certificate-expired',
  },
]);
matcherCase('M18b', [
  ...asAnchor(OLD, {
    claim: 'a trust anchor that is no root has no dates',
    chain: [BY_OLD, OLD, R],
    expect: 1,
  }),
  {
    claim: 'nor a first day',
    records: [tlsa(2, 0, 1, EARLY)],
    chain: [server(EARLY), EARLY],
    expect: 1,
  },
]);
const OLD_ROOT = authority('Old root', undefined, EXPIRED);
const BY_OLD_ROOT = server(OLD_ROOT);
matcherCase(
  'M19',
  ([0, 1] as const).map((selector) => ({
    claim: `a root that has expired, 2 ${selector} 1`,
    records: [tlsa(2, selector, 1, OLD_ROOT)],
    chain: [BY_OLD_ROOT, OLD_ROOT],
    expect: 'certificate-expired',
  })),
);
matcherCase('M19b', [
  {
    claim: 'the same in the DNS alone, 2 0 0',
    records: [tlsa(2, 0, 0, OLD_ROOT)],
    chain: [BY_OLD_ROOT],
    expect: 'certificate-expired',
  },
]);
matcherCase('M19c', [
  {
    claim: 'its key in the DNS alone has no dates, 2 1 0',
    records: [tlsa(2, 1, 0, OLD_ROOT)],
    chain: [BY_OLD_ROOT],
    expect: 0,
  },
]);
matcherCase('M20', [
  {
    claim: 'a partial chain: 2 1 1 of I, nothing above it',
    records: [tlsa(2, 1, 1, I)],
    chain: [L, I],
    expect: 1,
  },
]);

const SELF = issue({ subject: 'self', names: [MX] });
matcherCase('M21', [
  ...asAnchor(SELF, {
    claim: 'a leaf is no trust anchor (RFC 6698 section 2.1.1)',
    chain: [SELF],
    expect: 'dane-no-match',
  }),
  {
    claim: 'but a bare key that signed it is, even its own, 2 1 0',
    records: [tlsa(2, 1, 0, SELF)],
    chain: [SELF],
    expect: 0,
  },
]);

/** 2 0 1 of the issuer, and a leaf with these names for these reference names. */
const named = (
  claim: string,
  leaf: Parameters<typeof server>[1],
  expect: Case['expect'],
  more: Partial<Case> = {},
): Case => ({
  claim,
  records: [tlsa(2, 0, 1, I)],
  chain: [server(I, leaf), I],
  expect,
  ...more,
});
const MISMATCH = 'certificate-host-mismatch';
const NEXT_HOP = { names: ['example.com'] };
matcherCase('M22', [named('the base domain in the certificate', {}, 1)]);
matcherCase('M23', [
  named('the next-hop domain alone, behind secure MX records', NEXT_HOP, 1, {
    names: [MX, 'example.com'],
  }),
]);
matcherCase('M24', [
  named('the expanded next-hop domain alone', { names: ['expanded.example.net'] }, 1, {
    names: [MX, 'example.com', 'expanded.example.net'],
  }),
]);
matcherCase('M25', [
  named('the next-hop domain where the MX host is the only name', NEXT_HOP, MISMATCH),
]);
matcherCase('M26', [named('a wildcard', { names: ['*.example.com'] }, 1)]);
matcherCase('M27', [
  named('a wildcard for two labels', { names: ['*.example.com'] }, MISMATCH, {
    names: ['a.b.example.com'],
  }),
]);
const PARTIAL = { openssl: 's_client allows wildcards for parts of labels' };
matcherCase('M28', [
  named('a wildcard for the end of a label', { names: ['mx*.example.com'] }, MISMATCH, {
    names: ['mx1.example.com'],
    ...PARTIAL,
  }),
  named('a wildcard for its start', { names: ['*mx.example.com'] }, MISMATCH, {
    names: ['1mx.example.com'],
    ...PARTIAL,
  }),
]);
matcherCase('M29', [
  named('a wildcard alone', { names: ['*'] }, MISMATCH, { names: ['mx.com'] }),
  named('a wildcard for a top-level domain', { names: ['*.com'] }, MISMATCH, { names: ['mx.com'] }),
]);
matcherCase('M30', [
  named(
    'the CN does not count beside a DNS name',
    { subject: MX, names: ['other.example'] },
    MISMATCH,
  ),
]);
const EMAIL = {
  id: '2.5.29.17',
  value: sequence(implicit(1, Buffer.from('root@example.com'))),
};
matcherCase('M31', [
  named('the CN where there is no DNS name', { subject: MX, names: [] }, 1),
  named('a wildcard there', { subject: '*.example.com', names: [] }, 1),
  named('the CN beside other kinds of names', { subject: MX, names: [], extensions: [EMAIL] }, 1),
]);
matcherCase('M32', [
  named('(a) NUL in the name', { names: [`${MX}\0.evil`] }, MISMATCH),
  named('(b) a dot at the end', { names: [`${MX}.`] }, MISMATCH),
  named('(c) upper case', { names: [MX.toUpperCase()] }, 1),
  named('(d) a U-label', { names: ['b\xfccher.example.com'] }, MISMATCH, {
    names: ['xn--bcher-kva.example.com'],
  }),
  named('(e) the root dot of a name from the DNS', {}, 1, {
    names: [`${MX}.`],
    openssl: 'wants the name without the dot',
  }),
]);
const ADDRESS = { id: '2.5.29.17', value: sequence(implicit(7, Uint8Array.of(127, 0, 0, 1))) };
matcherCase('M33', [
  named('the address of the host', { subject: 'x', names: [], extensions: [ADDRESS] }, MISMATCH),
]);

/** A root with name constraints: `tag` 0 permits, 1 excludes. */
const constrained = (tag: 0 | 1, domain: string) =>
  authority(`Constrained ${tag}`, undefined, {
    extensions: [
      {
        id: '2.5.29.30',
        value: sequence(explicit(tag, sequence(implicit(2, Buffer.from(domain))))),
        weight: 'critical',
      },
    ],
  });
const DIRECTORY = authority('Constrained subject', undefined, {
  extensions: [
    {
      id: '2.5.29.30',
      value: sequence(
        explicit(
          1,
          sequence(explicit(4, sequence(set(sequence(objectId('2.5.4.3'), utf8String('server')))))),
        ),
      ),
      weight: 'critical',
    },
  ],
});
matcherCase(
  'M34',
  [constrained(0, 'example.org'), constrained(1, 'example.com'), DIRECTORY].flatMap((root, i) => {
    const kind = ['not permitted', 'excluded', 'excluded by its subject'][i];
    const leaf = server(root);
    const one = (usage: number, selector: number, type: number, sent: 'sent' | 'not sent') => ({
      claim: `a name that is ${kind}, ${usage} ${selector} ${type}, the anchor ${sent}`,
      records: [tlsa(usage, selector, type, usage === 3 ? leaf : root)],
      chain: sent === 'sent' ? [leaf, root] : [leaf],
    });
    return [
      { ...one(2, 0, 1, 'sent'), expect: 'certificate-not-trusted' },
      { ...one(2, 1, 1, 'sent'), expect: 'certificate-not-trusted' },
      { ...one(2, 1, 0, 'sent'), expect: 'certificate-not-trusted' },
      { ...one(2, 0, 0, 'not sent'), expect: 'certificate-not-trusted' },
      { ...one(2, 1, 0, 'not sent'), expect: 0 },
      { ...one(3, 1, 1, 'sent'), expect: 0 },
    ] as const;
  }),
);
