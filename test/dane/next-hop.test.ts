// Next hops as operators write them: the forms of Postfix's relayhost (postconf(5)) and of RFC 5321 section 4.1.3.
import t from 'tap';
import { parseNextHop } from '../../src/dane/next-hop.ts';
import { checkDestination } from '../../src/index.ts';
import { EE, open, TA } from './plan-support.ts';

/** `host mx.example.com. 587`, or why it is none. */
function told(text: string): string {
  const parsed = parseNextHop(text);
  if (parsed.kind === 'malformed') return parsed.why;
  const { nextHop, ascii } = parsed;
  const where = nextHop.kind === 'literal' ? nextHop.address : nextHop.name;
  return [nextHop.kind, where, nextHop.port, ascii].filter((word) => word !== undefined).join(' ');
}

t.test('every form', (t) => {
  const table: readonly (readonly [string, string])[] = [
    ['example.com', 'domain example.com.'],
    ['Example.COM.', 'domain Example.COM.'],
    ['example', 'domain example.'],
    ['_dmarc.example.com', 'domain _dmarc.example.com.'],
    ['example.com:2525', 'domain example.com. 2525'],
    ['[mx.example.com]', 'host mx.example.com.'],
    ['[mx.example.com]:587', 'host mx.example.com. 587'],
    ['[192.0.2.1]', 'literal 192.0.2.1'],
    ['[192.0.2.1]:2525', 'literal 192.0.2.1 2525'],
    ['[IPv6:2001:db8::1]', 'literal 2001:db8::1'],
    ['[ipv6:2001:db8::1]:65535', 'literal 2001:db8::1 65535'],
    // P33. "bücher" and its A-label: RFC 3492 encodes it as bcher-kva.
    ['b\u00fccher.example', 'domain xn--bcher-kva.example. xn--bcher-kva.example'],
    ['[mx.B\u00dcCHER.example]:587', 'host mx.xn--bcher-kva.example. 587 mx.xn--bcher-kva.example'],
    ['b\u00fccher\u3002example', 'domain xn--bcher-kva.example. xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'domain xn--bcher-kva.example.'],
  ];
  for (const [text, expected] of table) t.equal(told(text), expected, text);
  t.end();
});

t.test('what is no next hop says why', (t) => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['', /must not be empty/],
    ['.', /the root takes no mail/],
    ['[]', /must not be empty/],
    ['a..example', /has an empty label/],
    [`${'a'.repeat(64)}.example`, /longer than 63 octets/],
    ['exam ple.com', /is no mail domain/],
    ['a\\.b.example', /is no mail domain/],
    ['bob@example.com', /mail address: give the part behind the @, example\.com/],
    ['smtp://example.com', /without scheme or path/],
    ['192.0.2.1', /write it in brackets, \[192\.0\.2\.1\]/],
    ['2001:db8::1', /write it as \[IPv6:2001:db8::1\]/],
    ['[2001:db8::1]', /write it as \[IPv6:2001:db8::1\]/],
    ['[IPv6:192.0.2.1]', /is no next hop|is no mail domain/],
    ['[mx.example.com', /no next hop: write example\.com, /],
    ['mx.example.com]', /no next hop/],
    ['[mx.example.com]587', /no next hop/],
    ['[mx.example.com]:', /"" is no port/],
    ['example.com:0', /"0" is no port/],
    ['example.com:65536', /"65536" is no port/],
    ['example.com:smtp', /"smtp" is no port/],
    ['a:b:c', /is no port/],
    ['a\u00ad\u2048.example', /no form as A-labels/],
  ];
  for (const [text, expected] of table) t.match(told(text), expected, text);
  t.end();
});

t.test('P33: the library takes U-labels and brackets where a domain is text', async (t) => {
  const { resolver } = open({
    zones: {
      'xn--bcher-kva.example': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx ${EE}`],
      'example.com': ['relay A 192.0.2.2', `_587._tcp.relay ${TA}`],
    },
  });
  const options = { resolver, probe: 'none' } as const;
  const idn = await checkDestination('b\u00fccher.example', options);
  t.equal(String(idn.domain), 'xn--bcher-kva.example.');
  t.equal(idn.decision.action, 'deliver-authenticated');
  const relay = await checkDestination('[relay.example.com]:587', options);
  t.equal(relay.decision.action, 'deliver-authenticated');
  t.equal(relay.plan.kind === 'deliver' && relay.plan.route.via, 'relay');
  await t.rejects(checkDestination('192.0.2.1', options), {
    name: 'TypeError',
    message: /^domain: "192\.0\.2\.1" is an address: write it in brackets/,
  });
});
