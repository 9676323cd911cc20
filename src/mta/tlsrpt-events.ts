/**
 * Sessions as events for others: the datagrams of the TLSRPT library, and the JSON of Momentum's reporting hook.
 *
 * The datagram is the one that libtlsrpt sends to its collector and tlsrpt-reporter's collector reads, protocol version 1;
 * the hook is `core_smtp_tls_reporting`. Does not: send: the collector listens on a Unix datagram socket, which Node has
 * no way to write to.
 * @module
 */
import type { ResultType, TlsSession } from './tlsrpt.ts';

/** The library's numbers. */
const POLICY_TYPES = { tlsa: 1, sts: 2, 'no-policy-found': 9 } as const satisfies Record<
  TlsSession['policyType'],
  number
>;
const FAILURES: Readonly<Record<ResultType, number>> = {
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
};

/**
 * The datagram of one attempt to deliver: the collector counts each policy in it as one session.
 *
 * @param record    text of the domain's `_smtp._tls` record: who has none gets no report and no datagram
 * @param sessions  of one domain and one attempt, at least one
 */
export function writeDatagram(record: string, sessions: readonly TlsSession[]): string {
  const [first] = sessions;
  if (!first) throw new RangeError('a datagram tells of at least one session');
  return JSON.stringify({
    dpv: '1',
    d: first.reportDomain,
    pr: record,
    policies: byPolicy(sessions).map(writePolicy),
  });
}

function byPolicy(sessions: readonly TlsSession[]): readonly (readonly TlsSession[])[] {
  const groups = new Map<string, TlsSession[]>();
  for (const session of sessions) {
    const { policyType, policyDomain, policyStrings } = session;
    const key = JSON.stringify([policyType, policyDomain, policyStrings]);
    groups.set(key, [...(groups.get(key) ?? []), session]);
  }
  return [...groups.values()];
}

/** `t` failures were met on the way, and in the end it was a success (`f` 0) or not. */
function writePolicy(sessions: readonly TlsSession[]) {
  const [policy] = sessions;
  const failures = sessions.flatMap(writeFailure);
  return {
    'policy-type': policy && POLICY_TYPES[policy.policyType],
    'policy-domain': policy?.policyDomain,
    ...(policy && policy.policyStrings.length > 0 && { 'policy-string': policy.policyStrings }),
    ...(policy?.mxHosts && policy.mxHosts.length > 0 && { 'mx-host': policy.mxHosts }),
    ...(failures.length > 0 && { 'failure-details': failures }),
    t: failures.length,
    f: failures.length === sessions.length ? 1 : 0,
  };
}

const writeFailure = (session: TlsSession) =>
  session.result === 'success'
    ? []
    : [
        {
          c: FAILURES[session.result],
          ...(session.sendingIp !== undefined && { s: session.sendingIp }),
          ...(session.receivingMx !== undefined && { n: session.receivingMx }),
          ...(session.receivingIp !== undefined && { r: session.receivingIp }),
          ...(session.reasonCode !== undefined && { f: session.reasonCode }),
        },
      ];

/** The JSON of Momentum's hook for one session; nothing for domains without MTA-STS and TLSA. */
export function writeHookJson(session: TlsSession): string | undefined {
  const { policyType, policyDomain, policyStrings, result, reasonCode } = session;
  if (policyType === 'no-policy-found') return undefined;
  return JSON.stringify({
    epoch: Math.floor(session.at / 1000),
    type: result === 'success' ? 1 : 0,
    policy: {
      'policy-type': policyType,
      'policy-domain': policyDomain,
      'policy-string': policyStrings,
    },
    ...(result !== 'success' && { 'result-type': result }),
    ...(reasonCode !== undefined && { 'failure-reason-code': reasonCode }),
    ...(session.sendingIp !== undefined && { 'sending-mta-ip': session.sendingIp }),
    ...(session.receivingMx !== undefined && { 'receiving-mx-hostname': session.receivingMx }),
    ...(session.receivingIp !== undefined && { 'receiving-ip': session.receivingIp }),
  });
}
