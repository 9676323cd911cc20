/** TLS reports: the sums of a day, the JSON of RFC 8460, events for others, and where reports are wanted. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { seal } from '../../src/mta/sealed-lines.ts';
import { DAY_MS, REPORT_LIMITS, TlsReports, type TlsSession } from '../../src/mta/tlsrpt.ts';
import { writeDatagram, writeHookJson } from '../../src/mta/tlsrpt-events.ts';
import { loadReports, saveReports } from '../../src/mta/tlsrpt-file.ts';
import { findTlsrptRecord } from '../../src/mta/tlsrpt-record.ts';
import { reportFileName, writeReport } from '../../src/mta/tlsrpt-report.ts';
import { parseReports, REPORTS_HEADER } from '../../src/mta/tlsrpt-state.ts';
import { fakeLookup } from '../dane/fake-lookup.ts';

/** 2016-04-01T00:00:00Z, the day of the example in RFC 8460 appendix B. */
const DAY = 1_459_468_800_000;
const NOON = DAY + DAY_MS / 2;

const STS: TlsSession = {
  policyType: 'sts',
  policyDomain: 'company-y.example',
  policyStrings: [
    'version: STSv1',
    'mode: testing',
    'mx: *.mail.company-y.example',
    'max_age: 86400',
  ],
  mxHosts: ['*.mail.company-y.example'],
  reportDomain: 'company-y.example',
  result: 'success',
  at: NOON,
};
const TLSA: TlsSession = {
  policyType: 'tlsa',
  policyDomain: 'mx.company-y.example',
  policyStrings: ['3 1 1 1f850a337e6db9c609c522d136a475638cc43e1ed424f8eec8513d747d1d085d'],
  reportDomain: 'company-y.example',
  result: 'success',
  receivingMx: 'mx.company-y.example',
  receivingIp: '203.0.113.56',
  sendingIp: '198.51.100.62',
  at: NOON,
};
const times = (n: number, reports: TlsReports, session: TlsSession): void => {
  for (let i = 0; i < n; i += 1) reports.add(session);
};
const domainsOf = (reports: TlsReports, day = DAY) => [...reports.read(day)];

t.test('the report of RFC 8460 appendix B, made of 5629 sessions', (t) => {
  const reports = new TlsReports();
  times(5326, reports, STS);
  times(100, reports, {
    ...STS,
    result: 'certificate-expired',
    sendingIp: '2001:db8:abcd:0012::1',
    receivingMx: 'mx1.mail.company-y.example',
  });
  times(200, reports, {
    ...STS,
    result: 'starttls-not-supported',
    sendingIp: '2001:db8:abcd:0013::1',
    receivingMx: 'mx2.mail.company-y.example',
    receivingIp: '203.0.113.56',
  });
  times(3, reports, {
    ...STS,
    result: 'validation-failure',
    sendingIp: '198.51.100.62',
    receivingIp: '203.0.113.58',
    receivingMx: 'mx-backup.mail.company-y.example',
    reasonCode: 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
  });
  const [day, second] = domainsOf(reports);
  if (!day) throw new Error('nothing to report');
  t.equal(second, undefined);
  const reporter = {
    organizationName: 'Company-X',
    contactInfo: 'sts-reporting@company-x.example',
  };
  const json = writeReport(day, reporter, '5065427c-23d3-47ca-b6e0-946ea0e8c4be');
  // The example, without its additional-information, and with mx-host as the array that section 4.4 has.
  const want = {
    'organization-name': 'Company-X',
    'date-range': {
      'start-datetime': '2016-04-01T00:00:00Z',
      'end-datetime': '2016-04-01T23:59:59Z',
    },
    'contact-info': 'sts-reporting@company-x.example',
    'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
    policies: [
      {
        policy: {
          'policy-type': 'sts',
          'policy-string': [
            'version: STSv1',
            'mode: testing',
            'mx: *.mail.company-y.example',
            'max_age: 86400',
          ],
          'policy-domain': 'company-y.example',
          'mx-host': ['*.mail.company-y.example'],
        },
        summary: {
          'total-successful-session-count': 5326,
          'total-failure-session-count': 303,
        },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'sending-mta-ip': '2001:db8:abcd:0012::1',
            'receiving-mx-hostname': 'mx1.mail.company-y.example',
            'failed-session-count': 100,
          },
          {
            'result-type': 'starttls-not-supported',
            'sending-mta-ip': '2001:db8:abcd:0013::1',
            'receiving-mx-hostname': 'mx2.mail.company-y.example',
            'receiving-ip': '203.0.113.56',
            'failed-session-count': 200,
          },
          {
            'result-type': 'validation-failure',
            'sending-mta-ip': '198.51.100.62',
            'receiving-mx-hostname': 'mx-backup.mail.company-y.example',
            'receiving-ip': '203.0.113.58',
            'failed-session-count': 3,
            'failure-reason-code': 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
          },
        ],
      },
    ],
  };
  t.equal(json, JSON.stringify(want), 'key by key, in this order');
  t.end();
});

t.test('policies of one domain stand side by side; another domain has a report of its own', (t) => {
  const reports = new TlsReports();
  reports.add(TLSA);
  reports.add({ ...TLSA, result: 'dnssec-invalid', policyStrings: [], reasonCode: 'ede-6' });
  reports.add(STS);
  reports.add({ ...TLSA, reportDomain: 'other.example' });
  const seen = domainsOf(reports).map(({ domain, policies }) => [
    domain,
    ...policies.map(
      ({ policy, successes, failures }) => `${policy.policyType} ${successes} ${failures}`,
    ),
  ]);
  t.same(seen, [
    ['company-y.example', 'tlsa 1 0', 'tlsa 0 1', 'sts 1 0'],
    ['other.example', 'tlsa 1 0'],
  ]);
  const failed = domainsOf(reports)[0]?.policies[1];
  const json = JSON.parse(
    writeReport(
      { domain: 'a', day: DAY, policies: failed ? [failed] : [] },
      { organizationName: 'X', contactInfo: 'a@x.example' },
      '1',
    ),
  );
  t.same(json.policies[0].policy, {
    'policy-type': 'tlsa',
    'policy-string': [],
    'policy-domain': 'mx.company-y.example',
  });
  t.end();
});

t.test('days end at midnight UTC', (t) => {
  const reports = new TlsReports();
  reports.add({ ...STS, at: DAY });
  reports.add({ ...STS, at: DAY + DAY_MS - 1 });
  reports.add({ ...STS, at: DAY + DAY_MS });
  t.same(reports.days, [DAY, DAY + DAY_MS]);
  t.equal(domainsOf(reports)[0]?.policies[0]?.successes, 2);
  reports.drop(DAY);
  t.same(reports.days, [DAY + DAY_MS]);
  t.same(domainsOf(reports), []);
  t.end();
});

t.test('memory is bounded, what does not fit is counted, and sums stay right', (t) => {
  const limits = { ...REPORT_LIMITS, domains: 2, entries: 3 };
  const few = new TlsReports(limits);
  for (const reportDomain of ['a', 'b', 'c', 'd']) few.add({ ...STS, reportDomain });
  t.equal(few.dropped, 2);
  t.equal(domainsOf(few).length, 2);

  const details = new TlsReports(limits);
  for (let i = 0; i < 9; i += 1)
    details.add({ ...STS, result: 'validation-failure', receivingIp: `192.0.2.${i}` });
  const [sum] = domainsOf(details)[0]?.policies ?? [];
  t.match(sum, { failures: 9, details: { length: 2 } }, 'one entry is the policy');
  t.equal(details.dropped, 7);

  const characters = new TlsReports({ ...REPORT_LIMITS, characters: 500_000 });
  const large = (i: number): TlsSession => ({
    ...TLSA,
    policyStrings: [`3 1 0 ${i}${'a'.repeat(100_000)}`],
  });
  for (let i = 0; i < 50; i += 1) characters.add(large(i));
  t.equal(domainsOf(characters)[0]?.policies.length, 4, 'of 100 000 characters each');
  characters.drop(DAY);
  for (let i = 0; i < 50; i += 1) characters.add(large(i));
  t.equal(domainsOf(characters)[0]?.policies.length, 4, 'what is dropped makes room for as much');

  const days = new TlsReports();
  for (let i = 0; i < 30; i += 1) days.add({ ...STS, at: DAY + i * DAY_MS });
  t.equal(days.days.length, 7, 'the last week');
  t.equal(days.days.at(-1), DAY + 29 * DAY_MS);
  t.end();
});

t.test('a day goes on behind a restart', (t) => {
  const before = new TlsReports();
  before.add(TLSA);
  before.add({ ...TLSA, result: 'validation-failure', reasonCode: 'dane-no-match' });
  before.add(STS);
  const after = new TlsReports();
  for (const domain of domainsOf(before)) after.restore(domain);
  t.same(domainsOf(after), domainsOf(before));
  after.add({ ...TLSA, result: 'validation-failure', reasonCode: 'dane-no-match' });
  t.match(domainsOf(after)[0]?.policies[0], {
    successes: 1,
    failures: 2,
    details: [{ sessions: 2 }],
  });
  t.end();
});

t.test(
  'the sums of a day survive a restart in a file; one that is torn is refused and stays as it is',
  async (t) => {
    const file = join(t.testdir(), 'tlsrpt');
    const first = await loadReports(file);
    if (first.kind === 'refused') throw new Error(first.why);
    const { reports } = first;
    reports.add({ ...TLSA, result: 'validation-failure', reasonCode: 'dane-no-match' });
    reports.add(STS);
    reports.add({ ...STS, at: DAY + DAY_MS });
    t.equal(await saveReports(file, reports), undefined);
    const second = await loadReports(file);
    if (second.kind === 'refused') throw new Error(second.why);
    for (const day of [DAY, DAY + DAY_MS])
      t.same(domainsOf(second.reports, day), domainsOf(reports, day));

    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.slice(0, -9));
    const why = `${file}: line 4: it is cut off: the last line is no digest`;
    t.same(await loadReports(file), { kind: 'refused', why });
    t.equal(await saveReports(file, reports), why);
    t.equal(readFileSync(file, 'utf8'), whole.slice(0, -9));
    const line = { domain: 'a.example', day: DAY, policies: [] };
    const wrong = [
      {},
      { ...line, day: DAY + 1 },
      { ...line, policies: [{}] },
      { ...line, policies: [{ policy: STS, successes: -1, failures: 0, details: [] }] },
      {
        ...line,
        policies: [{ policy: { ...STS, policyType: 'x' }, successes: 0, failures: 0, details: [] }],
      },
      {
        ...line,
        policies: [
          { policy: STS, successes: 0, failures: 1, details: [{ result: 'x', sessions: 1 }] },
        ],
      },
      {
        ...line,
        policies: [
          {
            policy: STS,
            successes: 0,
            failures: 1,
            details: [{ result: 'dane-required', sessions: 1, receivingIp: 7 }],
          },
        ],
      },
    ];
    for (const value of wrong)
      t.match(
        parseReports(seal(REPORTS_HEADER, [line, value])),
        { kind: 'refused', line: 3 },
        JSON.stringify(value),
      );
  },
);

t.test('the file name of RFC 8460 section 5.1', (t) => {
  const reporter = { contactInfo: 'tlsrpt@mail.sndr.example.com' };
  const of = { domain: 'example.net', day: DAY };
  t.equal(
    reportFileName(of, reporter, { uniqueId: '001', extension: 'json.gz' }),
    'mail.sndr.example.com!example.net!1459468800!1459555199!001.json.gz',
  );
  t.equal(
    reportFileName(of, reporter, { extension: 'json' }),
    'mail.sndr.example.com!example.net!1459468800!1459555199.json',
  );
  t.match(reportFileName(of, reporter, { uniqueId: '../x!y', extension: 'json' }), /!xy\.json$/);
  t.end();
});

t.test('the datagram of the TLSRPT library', (t) => {
  const failure: TlsSession = {
    ...TLSA,
    result: 'validation-failure',
    reasonCode: 'dane-no-match',
  };
  const record = 'v=TLSRPTv1;rua=mailto:reports@company-y.example';
  // Keys and numbers are those of its header and its collector: policies 1, 2 and 9, failures 201 to 205 and 301 to 306.
  t.same(JSON.parse(writeDatagram(record, [failure, STS])), {
    dpv: '1',
    d: 'company-y.example',
    pr: record,
    policies: [
      {
        'policy-type': 1,
        'policy-domain': 'mx.company-y.example',
        'policy-string': TLSA.policyStrings,
        'failure-details': [
          {
            c: 205,
            s: '198.51.100.62',
            n: 'mx.company-y.example',
            r: '203.0.113.56',
            f: 'dane-no-match',
          },
        ],
        t: 1,
        f: 1,
      },
      {
        'policy-type': 2,
        'policy-domain': 'company-y.example',
        'policy-string': STS.policyStrings,
        'mx-host': ['*.mail.company-y.example'],
        t: 0,
        f: 0,
      },
    ],
  });
  const second = { ...TLSA, receivingIp: '2001:db8::1' };
  t.match(
    JSON.parse(writeDatagram(record, [failure, second])),
    {
      policies: [{ 'failure-details': [{ c: 205 }], t: 1, f: 0 }],
    },
    'a failure on the way to a success',
  );
  const none: TlsSession = { ...TLSA, policyType: 'no-policy-found', policyStrings: [] };
  t.same(JSON.parse(writeDatagram(record, [none])).policies, [
    { 'policy-type': 9, 'policy-domain': 'mx.company-y.example', t: 0, f: 0 },
  ]);
  const codes = {
    'starttls-not-supported': 201,
    'certificate-host-mismatch': 202,
    'certificate-not-trusted': 203,
    'certificate-expired': 204,
    'validation-failure': 205,
    'sts-policy-fetch-error': 301,
    'sts-policy-invalid': 302,
    'sts-webpki-invalid': 303,
    'tlsa-invalid': 304,
    'dnssec-invalid': 305,
    'dane-required': 306,
  } as const;
  for (const [result, c] of Object.entries(codes)) {
    const session = { ...TLSA, result } as TlsSession; // a key of the table
    t.match(JSON.parse(writeDatagram(record, [session])), {
      policies: [{ 'failure-details': [{ c }] }],
    });
  }
  t.throws(() => writeDatagram(record, []), RangeError);
  t.end();
});

t.test("+4: the JSON of Momentum's reporting hook, as its documentation has it", (t) => {
  const policy = {
    policyType: 'sts',
    policyDomain: 'test.bird.com',
    policyStrings: [
      'version: STSv1',
      'mode: enforce',
      'mx: mx.bird.com',
      'mx: server.ectest.OMNITI.com',
      'max_age: 604800',
    ],
    mxHosts: ['mx.bird.com', 'server.ectest.OMNITI.com'],
    reportDomain: 'test.bird.com',
    sendingIp: '127.0.0.1',
    receivingMx: 'server.ectest.OMNITI.com',
    receivingIp: '127.0.0.1',
    at: 1_746_712_864_999,
  } as const;
  const head = {
    epoch: 1746712864,
    type: 1,
    policy: {
      'policy-type': 'sts',
      'policy-domain': 'test.bird.com',
      'policy-string': policy.policyStrings,
    },
  };
  const tail = {
    'sending-mta-ip': '127.0.0.1',
    'receiving-mx-hostname': 'server.ectest.OMNITI.com',
    'receiving-ip': '127.0.0.1',
  };
  t.equal(writeHookJson({ ...policy, result: 'success' }), JSON.stringify({ ...head, ...tail }));
  const result = 'certificate-host-mismatch';
  const reasonCode = '4.7.5 [internal] SSL certificate subject does not match host';
  const failed = { 'result-type': result, 'failure-reason-code': reasonCode };
  t.equal(
    writeHookJson({ ...policy, result, reasonCode }),
    JSON.stringify({ ...head, type: 0, ...failed, ...tail }),
  );
  t.match(writeHookJson(TLSA), /"policy-type":"tlsa"/);
  t.equal(
    writeHookJson({ ...TLSA, policyType: 'no-policy-found' }),
    undefined,
    'only with a policy',
  );
  t.end();
});

t.test('where reports are wanted (RFC 8460 section 3)', async (t) => {
  const find = (...texts: string[]) => {
    const { lookup } = fakeLookup({ records: { 'TXT _smtp._tls.example.com': texts } });
    return findTlsrptRecord(Name.parse('example.com'), lookup, { now: 0 });
  };
  const mailto = (address: string) => ({ kind: 'mailto', address });
  const https = (url: string) => ({ kind: 'https', url });
  const GOOD: [text: string, rua: object[]][] = [
    ['v=TLSRPTv1;rua=mailto:reports@example.com', [mailto('reports@example.com')]],
    [
      'v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt',
      [https('https://reporting.example.com/v1/tlsrpt')],
    ],
    [
      'v=TLSRPTv1; rua=mailto:a@b.example , https://c.example/?d=e;',
      [mailto('a@b.example'), https('https://c.example/?d=e')],
    ],
    ['v=TLSRPTv1; new=1; rua=MAILTO:a%2Bb@c.example?subject=x', [mailto('a+b@c.example')]],
    ['v=TLSRPTv1; rua=ftp://x.example/,mailto:a@b.example', [mailto('a@b.example')]],
    ['v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:second@b.example', [mailto('a@b.example')]],
  ];
  for (const [text, rua] of GOOD) t.match(await find(text), { kind: 'record', text, rua }, text);
  const BAD = [
    'v=TLSRPTv1',
    'v=TLSRPTv1;',
    'v=TLSRPTv1; x=y',
    'v=TLSRPTv2; rua=mailto:a@b.example',
    'v=TLSRPTv1; rua=mailto:a@b.example!10m',
    'v=TLSRPTv1; rua=http://a.example/',
    'v=TLSRPTv1; rua=https://',
    'v=TLSRPTv1; rua=https://user:secret@a.example/',
    'v=TLSRPTv1; rua=mailto:a@b.example%0d%0aBcc:c@d.example',
    'v=TLSRPTv1; rua=mailto:%',
    'v=TLSRPTv1; rua=mailto:a',
  ];
  for (const text of BAD) t.match(await find(text), { kind: 'none' }, text);
  const two = ['v=TLSRPTv1; rua=mailto:a@b.example', 'v=TLSRPTv1; rua=mailto:c@d.example'];
  t.match(await find(...two), { kind: 'none', why: /2 records/ });
  const many = Array.from({ length: 100 }, (_, i) => `mailto:a${i}@b.example`).join(',');
  t.match(await find(`v=TLSRPTv1; rua=${many}`), { rua: { length: 8 } });
  const { lookup } = fakeLookup({ records: {}, bogus: ['TXT _smtp._tls.example.com'] });
  t.match(await findTlsrptRecord(Name.parse('example.com'), lookup, { now: 0 }), {
    kind: 'failed',
  });
});
