import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { type DebugFlags, logLookups } from '../../src/mta/debug-log.ts';
import { corruptSignatures, internet, onlyFor, servfail } from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';

const TLSA = '_25._tcp.mx.example.com';

async function told(flags: DebugFlags): Promise<readonly string[]> {
  const net = internet({
    'example.com': ['mx A 192.0.2.25', `${'_25._tcp.mx'} TLSA 3 1 1 ${'ab'.repeat(32)}`],
  })
    .amend('example.com', corruptSignatures('TLSA'))
    .amend('example.com', onlyFor({ types: ['AAAA'] }, servfail()));
  const lines: string[] = [];
  const lookup = logLookups(resolverOn(net).lookup, flags, (line) => lines.push(line));
  for (const [name, type] of [
    [TLSA, 'TLSA'],
    ['mx.example.com', 'AAAA'],
    ['mx.example.com', 'A'],
    ['example.com', 'A'],
  ] as const)
    await lookup(Name.parse(name), type);
  return lines;
}

t.test('S33: what is bogus is a warning of the subsystem that asked', async (t) => {
  t.strictSame(await told(new Map([['WARNING', ['DANE']]])), [
    `WARNING DANE: ${TLSA}. TLSA: bogus, no signature over the record set verifies`,
  ]);
});

t.test('S33: each level for itself, and each subsystem', async (t) => {
  t.strictSame(await told(new Map()), []);
  t.strictSame(await told(new Map([['WARNING', ['DNS']]])), []);
  const lines = await told(
    new Map([
      ['NOTICE', ['DNS', 'DANE']],
      ['DEBUG', ['DNS']],
    ]),
  );
  t.equal(lines.length, 3);
  const [unavailable, ...learnt] = lines;
  t.match(unavailable, /^NOTICE DNS: mx\.example\.com\. AAAA: indeterminate, /);
  t.strictSame(learnt, [
    'DEBUG DNS: mx.example.com. A: secure records',
    'DEBUG DNS: example.com. A: secure nodata',
  ]);
});
