/**
 * The protocols that can be checked beside mail between servers, by the names that their SRV records have.
 *
 * Ports and names of RFC 6186 section 3 and RFC 8314 section 3 (mail clients), RFC 6120 section 3.2.1 and XEP-0368 (XMPP). Does not:
 * talk (starttls-*.ts do).
 * @module
 */
import type { Dialogue } from './dialogue.ts';
import { makeImapDialogue } from './starttls-imap.ts';
import { makePop3Dialogue } from './starttls-pop3.ts';
import { makeXmppDialogue } from './starttls-xmpp.ts';

export interface Protocol {
  /** Where there is no SRV record. */
  readonly port: number;
  /**
   * `smtp`: as mail servers among themselves. `direct`: TLS from the first octet. Else the dialogue before TLS.
   * @param domain  that the client is after, as A-labels
   */
  readonly before: 'smtp' | 'direct' | ((domain: string) => Dialogue);
  /** What is said under TLS before hanging up. */
  readonly farewell: string;
}

const LOGOUT = 'd9 LOGOUT\r\n';
const QUIT = 'QUIT\r\n';

export const PROTOCOLS = {
  submission: { port: 587, before: 'smtp', farewell: QUIT },
  submissions: { port: 465, before: 'direct', farewell: QUIT },
  imap: { port: 143, before: makeImapDialogue, farewell: LOGOUT },
  imaps: { port: 993, before: 'direct', farewell: LOGOUT },
  pop3: { port: 110, before: makePop3Dialogue, farewell: QUIT },
  pop3s: { port: 995, before: 'direct', farewell: QUIT },
  'xmpp-client': {
    port: 5222,
    before: (domain) => makeXmppDialogue(domain, 'client'),
    farewell: '',
  },
  'xmpps-client': { port: 5223, before: 'direct', farewell: '' },
  'xmpp-server': {
    port: 5269,
    before: (domain) => makeXmppDialogue(domain, 'server'),
    farewell: '',
  },
  'xmpps-server': { port: 5270, before: 'direct', farewell: '' },
} as const satisfies Readonly<Record<string, Protocol>>;

export type ProtocolName = keyof typeof PROTOCOLS;

export const isProtocol = (name: string): name is ProtocolName => Object.hasOwn(PROTOCOLS, name);
