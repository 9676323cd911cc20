/**
 * The dialogues before TLS of IMAP, POP3 and XMPP, as octets in and moves out. What servers say here stands in the examples
 * of RFC 9051 section 6.2.1, RFC 2595 section 4 and RFC 6120 section 5.4, or is one thing wrong with them.
 */
import t from 'tap';
import type { Dialogue, Move } from '../../src/tls/dialogue.ts';
import { makeImapDialogue } from '../../src/tls/starttls-imap.ts';
import { makePop3Dialogue } from '../../src/tls/starttls-pop3.ts';
import { makeXmppDialogue } from '../../src/tls/starttls-xmpp.ts';

const IMAP = {
  greeting: '* OK IMAP4rev2 server ready\r\n',
  capability: '* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nd1 OK CAPABILITY completed\r\n',
  starttls: 'd2 OK Begin TLS negotiation now\r\n',
};
const POP3 = {
  greeting: '+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n',
  capability: '+OK Capability list follows\r\nTOP\r\nstls\r\nSASL PLAIN\r\n.\r\n',
  starttls: '+OK Begin TLS negotiation\r\n',
};
const STREAM =
  "<?xml version='1.0'?><stream:stream from='im.example.com' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const features = (inside: string): string => `<stream:features>${inside}</stream:features>`;
const OFFER = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
const XMPP = {
  greeting: STREAM + features(`${OFFER}<c xmlns='x' a='&lt;'/>`),
  starttls: "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
};

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const kinds: Readonly<Record<string, () => Dialogue>> = {
  imap: makeImapDialogue,
  pop3: makePop3Dialogue,
  xmpp: () => makeXmppDialogue('im.example.com', 'client'),
};
/** The move after the last of these texts. */
function after(kind: string, ...texts: readonly string[]): Move {
  const dialogue = kinds[kind]?.();
  if (!dialogue) throw new RangeError(kind);
  return texts.reduce<Move>((_, text) => dialogue.push(octets(text)), { kind: 'wait' });
}
const READY: Move = { kind: 'ready', left: 0 };

t.test('the way to TLS, in one piece each and octet by octet', async (t) => {
  const says = {
    imap: ['d1 CAPABILITY\r\n', 'd2 STARTTLS\r\n'],
    pop3: ['CAPA\r\n', 'STLS\r\n'],
    xmpp: ["<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
  };
  for (const [kind, script] of Object.entries({ imap: IMAP, pop3: POP3, xmpp: XMPP }))
    for (const size of [1, 7, 10_000]) {
      const dialogue = kinds[kind]?.();
      const said: string[] = [];
      let last: Move = { kind: 'wait' };
      for (const text of Object.values(script))
        for (let at = 0; at < text.length; at += size) {
          last = dialogue?.push(octets(text.slice(at, at + size))) ?? last;
          if (last.kind === 'say') said.push(last.text);
        }
      t.strictSame(last, READY, `${kind} by ${size}`);
      t.strictSame(said, says[kind as keyof typeof says]); // keys of the same table
    }
});

t.test('an XMPP client opens the stream, and says for whom', async (t) => {
  const opening = makeXmppDialogue('im.example.com', 'server').opening ?? '';
  t.match(opening, /^<\?xml version='1\.0'\?><stream:stream to='im\.example\.com' version='1\.0'/);
  t.match(opening, "xmlns='jabber:server'");
  t.equal(makeImapDialogue().opening, undefined);
  t.throws(() => makeXmppDialogue("a' b='", 'client'), TypeError, 'no name becomes XML');
});

t.test('what comes behind the last word is counted, for it came in clear', async (t) => {
  const imap = after('imap', IMAP.greeting, IMAP.capability, `${IMAP.starttls}* OK forged\r\n`);
  t.strictSame(imap, { kind: 'ready', left: '* OK forged\r\n'.length });
  const pop3 = after('pop3', POP3.greeting, POP3.capability, `${POP3.starttls}+OK\r\n`);
  t.strictSame(pop3, { kind: 'ready', left: '+OK\r\n'.length });
  const xmpp = after('xmpp', XMPP.greeting, `${XMPP.starttls} `);
  t.strictSame(xmpp, { kind: 'ready', left: 1 });
});

t.test('answers to what was not yet said are counted too', async (t) => {
  const imap = after('imap', IMAP.greeting + IMAP.capability);
  t.equal(imap.kind === 'say' && imap.left, IMAP.capability.length);
  const pop3 = after('pop3', POP3.greeting, POP3.capability + POP3.starttls);
  t.equal(pop3.kind === 'say' && pop3.left, POP3.starttls.length);
  const xmpp = after('xmpp', XMPP.greeting + XMPP.starttls);
  t.equal(xmpp.kind === 'say' && xmpp.left, XMPP.starttls.length);
  const alive = after('xmpp', `${XMPP.greeting}\r\n `);
  t.equal(alive.kind === 'say' && alive.left, 0, 'white space is a sign of life');
});

const MANY = 'x'.repeat(100_000);
const cases: readonly (readonly [
  what: string,
  kind: string,
  texts: readonly string[],
  expected: Move | RegExp,
])[] = [
  [
    'no offer',
    'imap',
    [IMAP.greeting, IMAP.capability.replace('STARTTLS ', '')],
    { kind: 'no-starttls' },
  ],
  ['logged in from the start', 'imap', ['* PREAUTH hello\r\n'], { kind: 'no-starttls' }],
  ['turned away', 'imap', ['* BYE too busy\r\n'], { kind: 'refused', text: 'too busy' }],
  ['turned away later', 'imap', [IMAP.greeting, '* BYE now\r\n'], { kind: 'refused', text: 'now' }],
  ['no CAPABILITY', 'imap', [IMAP.greeting, 'd1 BAD what\r\n'], { kind: 'refused', text: 'what' }],
  [
    'STARTTLS refused',
    'imap',
    [IMAP.greeting, IMAP.capability, 'd2 NO not now\r\n'],
    { kind: 'refused', text: 'not now' },
  ],
  ['remarks in between', 'imap', [IMAP.greeting, `* OK still here\r\n${IMAP.capability}`], /^say$/],
  ['another tag', 'imap', [IMAP.greeting, 'd7 OK done\r\n'], /an answer to nothing/],
  ['not IMAP', 'imap', ['220 mx.example.com ESMTP\r\n'], /a greeting that is none/],
  ['not IMAP at all', 'imap', ['\r\n'], /a line that is no IMAP response/],
  ['a line without end', 'imap', [`* OK ${MANY}`], /a line that does not end/],
  [
    'no end of lines',
    'imap',
    [IMAP.greeting, '* OK still here\r\n'.repeat(5000)],
    /more than any server/,
  ],
  ['no offer', 'pop3', [POP3.greeting, '+OK\r\nTOP\r\n.\r\n'], { kind: 'no-starttls' }],
  ['no CAPA', 'pop3', [POP3.greeting, '-ERR what\r\n'], { kind: 'no-starttls' }],
  [
    'turned away',
    'pop3',
    ['-ERR [SYS/TEMP] busy\r\n'],
    { kind: 'refused', text: '[SYS/TEMP] busy' },
  ],
  [
    'STLS refused',
    'pop3',
    [POP3.greeting, POP3.capability, '-ERR no\r\n'],
    { kind: 'refused', text: 'no' },
  ],
  ['not POP3', 'pop3', [IMAP.greeting], /a line that is no POP3 response/],
  [
    'a list without end',
    'pop3',
    [POP3.greeting, `+OK\r\n${'TOP\r\n'.repeat(20_000)}`],
    /more than any/,
  ],
  ['no offer', 'xmpp', [STREAM + features('')], { kind: 'no-starttls' }],
  [
    "an offer that is somebody else's",
    'xmpp',
    [STREAM + features("<starttls xmlns='urn:other'/>")],
    { kind: 'no-starttls' },
  ],
  [
    'an offer that is too deep',
    'xmpp',
    [STREAM + features(`<other xmlns='x'>${OFFER}</other>`)],
    { kind: 'no-starttls' },
  ],
  [
    'a failure',
    'xmpp',
    [XMPP.greeting, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
    { kind: 'refused', text: 'failure' },
  ],
  [
    'a stream error',
    'xmpp',
    [`${STREAM}<stream:error><host-unknown xmlns='x'/></stream:error>`],
    { kind: 'refused', text: 'a stream error' },
  ],
  ['the end', 'xmpp', [`${STREAM}</stream:stream>`], { kind: 'refused', text: 'the stream ended' }],
  ['go ahead, unasked', 'xmpp', [STREAM + XMPP.starttls], /an answer to nothing/],
  ['features twice', 'xmpp', [XMPP.greeting, features(OFFER)], /features a second time/],
  ['another element', 'xmpp', [`${STREAM}<message/>`], /no place before TLS/],
  ['another root', 'xmpp', ['<html>'], /no XMPP stream/],
  ['a document type', 'xmpp', ["<!DOCTYPE a [<!ENTITY b 'c'>]>"], /a doctype/],
  ['a comment', 'xmpp', [`${STREAM}<!-- a -->`], /a comment/],
  ['not well-formed', 'xmpp', [`${STREAM}<a></b>`], /./],
  ['not XML', 'xmpp', [IMAP.greeting], /./],
  ['not UTF-8', 'xmpp', [`${STREAM}\xff`], /no UTF-8/],
  ['elements in elements without end', 'xmpp', [STREAM + '<a>'.repeat(17)], /nested too deep/],
  ['an element without end', 'xmpp', [`${STREAM}<a b='${MANY}`], /more than any server/],
];
t.test('one thing wrong', async (t) => {
  for (const [what, kind, texts, expected] of cases) {
    const move = after(kind, ...texts);
    const name = `${kind}: ${what}`;
    if (!(expected instanceof RegExp)) t.strictSame(move, expected, name);
    else if (expected.source === '^say$') t.equal(move.kind, 'say', name);
    else {
      t.equal(move.kind, 'malformed', name);
      t.match(move.kind === 'malformed' && move.why, expected, name);
    }
  }
});

t.test('words of others do not speak to the terminal', async (t) => {
  t.strictSame(after('imap', '* BYE \u001b[2J\u0007\r\n'), { kind: 'refused', text: '?[2J?' });
});
