// The dialogue that carries the mail: what is said, what each answer means, and servers that stall or misbehave at each step.
import t from 'tap';
import { readLetter } from '../../src/mta/letter.ts';
import { extensionsOf, SESSION_TIMES, transact } from '../../src/mta/smtp-session.ts';
import type { MailHostDescription, MailStep } from '../../src/testing/mailhost.ts';
import type { Answer, Channel } from '../../src/tls/channel.ts';
import { EE, one, play, timesOf, two } from './deliver-support.ts';

/** Long for loopback, short for a test. */
const SHORT_MS = 300;
const FAST = { parts: { stepMs: SHORT_MS, times: timesOf(SHORT_MS) } } as const;
const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

t.test(
  'a server that stalls or hangs up at a step: deferred in bounded time, and the step is named',
  async (t) => {
    const large = new Uint8Array(32 << 20).fill(0x41);
    const rows: readonly [step: MailStep, how: 'silence' | 'hang-up' | 'deafness', end: RegExp][] =
      [
        ['greeting', 'silence', /^4\.4\.1 timeout .*before its greeting/],
        ['EHLO', 'silence', /^4\.4\.1 timeout .*after EHLO/],
        ['EHLO', 'hang-up', /^4\.4\.2 closed .*after EHLO/],
        ['STARTTLS', 'silence', /^4\.4\.1 timeout .*after STARTTLS/],
        ['STARTTLS', 'hang-up', /^4\.4\.2 closed .*after STARTTLS/],
        ['tls EHLO', 'silence', /^4\.4\.2 timeout .*after EHLO/],
        ['tls EHLO', 'hang-up', /^4\.4\.2 closed .*after EHLO/],
        ['MAIL', 'silence', /^4\.4\.2 timeout .*after MAIL FROM/],
        ['MAIL', 'hang-up', /^4\.4\.2 closed .*after MAIL FROM/],
        ['RCPT', 'silence', /^4\.4\.2 timeout .*after RCPT TO/],
        ['RCPT', 'hang-up', /^4\.4\.2 closed .*after RCPT TO/],
        ['DATA', 'silence', /^4\.4\.2 timeout .*after DATA/],
        ['DATA', 'hang-up', /^4\.4\.2 closed .*after DATA/],
        ['DATA', 'deafness', /^4\.4\.2 timeout .*during the message/],
        ['end', 'silence', /^4\.4\.2 timeout .*after the end of the message/],
        ['end', 'hang-up', /^4\.4\.2 closed .*after the end of the message/],
      ];
    const start = performance.now();
    await Promise.all(
      rows.map(async ([step, how, end]) => {
        const hosts = { '192.0.2.1': { answers: { [step]: how } } };
        const message = how === 'deafness' ? { message: { data: large } } : {};
        const { delivered, taken } = await play(t, { zones: one(EE), hosts, ...FAST, ...message });
        const [recipient] = delivered.recipients;
        const told = recipient?.kind === 'deferred' ? recipient : undefined;
        t.match(`${told?.dsn} ${told?.reason} ${told?.why}`, end, `${how} at ${step}`);
        t.strictSame(taken, [], `${how} at ${step}: not taken`);
      }),
    );
    t.ok(performance.now() - start < 30_000, 'all of them together');
  },
);

t.test('answers that are refusals', async (t) => {
  const rows: readonly [answers: NonNullable<MailHostDescription['answers']>, end: string][] = [
    [{ 'tls EHLO': '421 4.3.2 closing' }, 'deferred 4.3.2 smtp-delayed mx.example.com'],
    [{ 'tls EHLO': '550 5.7.1 no' }, 'deferred 4.7.1 smtp-refused mx.example.com'],
    [{ greeting: '554 5.3.2 no' }, 'deferred 4.3.2 smtp-refused mx.example.com'],
    [{ MAIL: '451 4.7.1 greylisted' }, 'deferred 4.7.1 smtp-delayed mx.example.com'],
    [{ MAIL: '550 5.7.1 not you' }, 'failed 5.7.1 smtp-refused mx.example.com'],
    [{ RCPT: '450 4.2.0 greylisted' }, 'deferred 4.2.0 smtp-delayed mx.example.com'],
    [{ RCPT: '550 no such user' }, 'failed 5.0.0 smtp-refused mx.example.com'],
    [{ DATA: '452 4.3.1 full' }, 'deferred 4.3.1 smtp-delayed mx.example.com'],
    [{ DATA: '250 fine' }, 'deferred 4.5.0 protocol-error mx.example.com'],
    [{ end: '554 5.6.0 spam' }, 'failed 5.6.0 smtp-refused mx.example.com'],
    [{ end: '550 4.1.1 another class' }, 'failed 5.0.0 smtp-refused mx.example.com'],
    [{ end: 'what' }, 'deferred 4.5.0 protocol-error mx.example.com'],
  ];
  for (const [answers, end] of rows) {
    const { ends, taken } = await play(t, { zones: one(EE), hosts: { '192.0.2.1': { answers } } });
    t.strictSame([ends, taken], [[end], []], JSON.stringify(answers));
  }
});

t.test(
  'a recipient that one host delays is offered to the next; what may have been taken is not',
  async (t) => {
    const greylisted = { answers: { RCPT: '450 4.2.0 later' } } as const;
    const scene = { zones: two([EE], [EE]), ...FAST };
    const next = await play(t, { ...scene, hosts: { '192.0.2.1': greylisted, '192.0.2.2': {} } });
    t.strictSame(next.ends, ['delivered verified mx2.example.com 2.0.0']);
    const lost = { answers: { end: 'hang-up' } } as const;
    const once = await play(t, { ...scene, hosts: { '192.0.2.1': lost, '192.0.2.2': {} } });
    t.strictSame(once.ends, ['deferred 4.4.2 closed mx.example.com']);
    t.strictSame(once.taken, [], 'no second copy now');
  },
);

t.test('many hosts that stall do not hold a message for hours', async (t) => {
  let advance = (): void => {};
  const slow = { answers: { EHLO: 'hang-up' }, heard: () => advance() } as const;
  const { ends, mets } = await play(t, {
    zones: two([EE], [EE]),
    hosts: { '192.0.2.1': slow, '192.0.2.2': {} },
    amend: (net) => {
      advance = () => net.clock.advance(30 * 60_000);
      return net;
    },
  });
  t.strictSame(ends, ['deferred 4.4.2 closed mx.example.com']);
  t.equal(mets.filter(({ kind }) => kind === 'attempt').length, 1, 'no second connection');
});

t.test('being aborted ends the session under way, and is no delivery', async (t) => {
  const stop = new AbortController();
  const heard = (command: string): void => {
    if (command.startsWith('tls RCPT')) stop.abort();
  };
  const { ends, taken } = await play(t, {
    zones: two([EE], [EE]),
    hosts: { '192.0.2.1': { heard }, '192.0.2.2': {} },
    parts: { signal: stop.signal },
  });
  t.match(ends, [/^deferred 4\.4\.2 (timeout|closed) mx\.example\.com$/]);
  t.strictSame(taken, []);
});

t.test('the message arrives as it was, dots and all', async (t) => {
  const texts = ['.', '..', 'a\r\n.\r\nb', '.a\r\n..b\r\n\r\n...', 'Subject: x\r\n\r\nhello', ''];
  for (const text of texts) {
    const { hosts } = await play(t, {
      zones: one(EE),
      hosts: { '192.0.2.1': {} },
      message: { data: octets(text) },
    });
    t.strictSame(hosts.get('192.0.2.1')?.messages, [text], JSON.stringify(text));
  }
});

t.test('a CR or LF that stands alone is refused, before anybody is contacted', async (t) => {
  for (const text of ['a\nb\r\n', 'a\rb\r\n', 'a\r\n.\n', '\n.\r\n', 'a\r', 'a\r\r\n', '\n']) {
    const { ends, mets } = await play(t, {
      zones: one(EE),
      hosts: { '192.0.2.1': {} },
      message: { data: octets(text) },
    });
    t.strictSame(ends, ['failed 5.6.0 bare-cr-or-lf'], JSON.stringify(text));
    t.equal(mets.length, 0);
  }
});

t.test("an address that could end its line is the caller's mistake", async (t) => {
  const wrong = [
    'a@b\r\nRCPT TO:<c@d',
    'a@b> <c@d',
    'a b@c',
    'a',
    '',
    '@b',
    'a@',
    `${'a'.repeat(250)}@b.cd`,
    'a\u0000@b',
  ];
  for (const to of wrong)
    await t.rejects(
      play(t, { zones: one(EE), message: { to: [to] } }),
      TypeError,
      JSON.stringify(to),
    );
  await t.rejects(play(t, { zones: one(EE), message: { from: 'a@b>' } }), TypeError);
  await t.rejects(play(t, { zones: one(EE), message: { to: [] } }), TypeError);
});

/** A server by script: each command and what it gets. */
function scripted(script: readonly string[]) {
  const said: string[] = [];
  const replies = [...script];
  const answer = (sent: Uint8Array): Answer => {
    said.push(new TextDecoder().decode(sent).trimEnd());
    const next = replies.shift();
    if (next === undefined) return { kind: 'closed' };
    return { kind: 'reply', reply: { code: Number(next.slice(0, 3)), lines: [next.slice(4)] } };
  };
  const channel: Channel = {
    layer: 'tls',
    ask: (sent) => Promise.resolve(answer(sent)),
    send: (sent) => {
      if (replies[0] !== 'body') return Promise.resolve(answer(sent));
      replies.shift();
      said.push(`(${sent.length} octets)`);
      return Promise.resolve({ kind: 'sent' });
    },
    release: () => undefined,
    close: () => Promise.resolve(),
  };
  return { channel, said };
}

async function say(extensions: readonly string[], script: readonly string[], more: object = {}) {
  const { channel, said } = scripted(script);
  const letter = readLetter(octets('x\r\n'));
  if (letter.kind !== 'letter') throw new Error('no letter');
  const transaction = {
    from: 'me@a.example',
    to: ['you@b.example'],
    letter,
    requireTls: 'leave-out',
  } as const;
  const announced = extensionsOf({ code: 250, lines: ['mx', ...extensions] });
  const fates = await transact(channel, announced, { ...transaction, ...more }, SESSION_TIMES);
  return { said, fates: fates.map(({ kind, reason, dsn }) => `${kind} ${reason} ${dsn}`) };
}

const TAKES = ['250 ok', '250 ok', '354 go', 'body', '250 2.6.0 taken'];
const eight = readLetter(octets('ü\r\n'));

t.test('what the server can do is used, and what it cannot is not asked for', async (t) => {
  const rows: readonly [
    claim: string,
    extensions: readonly string[],
    more: object,
    mail: string | undefined,
    fate: string,
  ][] = [
    ['nothing', [], {}, 'MAIL FROM:<me@a.example>', 'accepted accepted 2.6.0'],
    ['SIZE', ['size 1000'], {}, 'MAIL FROM:<me@a.example> SIZE=3', 'accepted accepted 2.6.0'],
    [
      'SIZE without a limit',
      ['SIZE'],
      {},
      'MAIL FROM:<me@a.example> SIZE=3',
      'accepted accepted 2.6.0',
    ],
    [
      'SIZE 0 is no limit',
      ['SIZE 0'],
      {},
      'MAIL FROM:<me@a.example> SIZE=3',
      'accepted accepted 2.6.0',
    ],
    ['too big', ['SIZE 2'], {}, undefined, 'refused message-too-big 5.3.4'],
    [
      '8BITMIME',
      ['8BITMIME'],
      { letter: eight },
      'MAIL FROM:<me@a.example> BODY=8BITMIME',
      'accepted accepted 2.6.0',
    ],
    ['no 8BITMIME', [], { letter: eight }, undefined, 'refused no-8bitmime 5.6.3'],
    [
      'SMTPUTF8',
      ['SMTPUTF8'],
      { from: 'mü@a.example' },
      'MAIL FROM:<mü@a.example> SMTPUTF8',
      'accepted accepted 2.6.0',
    ],
    ['no SMTPUTF8', [], { to: ['yoü@b.example'] }, undefined, 'refused no-smtputf8 5.6.7'],
    [
      'REQUIRETLS',
      ['REQUIRETLS'],
      { requireTls: 'say' },
      'MAIL FROM:<me@a.example> REQUIRETLS',
      'accepted accepted 2.6.0',
    ],
  ];
  for (const [claim, extensions, more, mail, fate] of rows) {
    const { said, fates } = await say(extensions, TAKES, more);
    t.strictSame([said[0], fates], [mail, [fate]], claim);
  }
});

t.test('each recipient has a fate of its own', async (t) => {
  const to = ['a@b.example', 'c@b.example', 'd@b.example'];
  const mixed = [
    '250 ok',
    '250 ok',
    '550 5.1.1 who',
    '450 4.2.1 later',
    '354 go',
    'body',
    '250 2.0.0 taken',
  ];
  t.strictSame((await say([], mixed, { to })).fates, [
    'accepted accepted 2.0.0',
    'refused smtp-refused 5.1.1',
    'delayed smtp-delayed 4.2.1',
  ]);
  const none = await say([], ['250 ok', '550 5.1.1 who', '550 5.1.1 who', '450 no'], { to });
  t.equal(none.said.at(-1), 'RCPT TO:<d@b.example>', 'no DATA for nobody');
  const lost = await say([], ['250 ok', '250 ok', '550 5.1.1 who'], { to });
  t.strictSame(
    lost.fates,
    ['delayed closed 4.4.2', 'refused smtp-refused 5.1.1', 'delayed closed 4.4.2'],
    'a connection that breaks has delivered nothing, and a refusal stands',
  );
  const early = await say([], ['250 ok', '250 ok', '354 go', '250 taken already']);
  t.strictSame(early.fates, ['delayed protocol-error 4.5.0'], 'an answer before the end is none');
  const tooBig = await say([], ['250 ok', '250 ok', '354 go', '552 5.3.4 too big']);
  t.strictSame(tooBig.fates, ['refused smtp-refused 5.3.4'], 'unless it is a refusal');
});
